export { createHinter, type Hinter } from './hinter.ts';
export { createRelay, type Relay, type RelayOptions } from './relay.ts';
export { RELAY_TABLE_SQL } from './relay-table.ts';
export type { OutboxRow, OutboxSource } from './source.ts';
