import type { Quantiles } from '../load/histogram.ts';
import type { Faults } from '../load/ledger.ts';
import { serverMicros } from '../measurement.ts';
import type { Cell } from './result.ts';

/** In cores: so much besides, and the figures are worth little. */
const DISTURBED = 0.25;

/** A cell in one line, for who watches. */
export function cellLine(cell: Cell): string {
  if (cell.scenario === 2) return `highest ${cell.highest}/s`;
  const { measurement, verdict } = cell;
  const receive = measurement.receive.count > 0 ? `receive ${latency(measurement.receive)}, ` : '';
  const figures = `ack ${latency(measurement.ack)}, ${receive}${serverMicros(measurement)} us/message, ${faultsText(measurement.faults)}`;
  const disturbed = measurement.elsewhere > DISTURBED ? `, disturbed: ${measurement.elsewhere.toFixed(2)} cores` : '';
  return (verdict.kept ? figures : `not kept: ${[...verdict.reasons, verdict.limit].join('; ')}`) + disturbed;
}

/** p50, p99 and p99.9 in milliseconds. */
function latency({ p50, p99, p999 }: Quantiles): string {
  return [p50, p99, p999].map((value) => value.toFixed(2)).join(' / ');
}

/** The faults that there were; `0 faults` when there were none. */
export function faultsText(faults: Faults): string {
  const names: Record<keyof Faults, string> = {
    lost: 'lost',
    duplicated: 'duplicated',
    outOfOrder: 'out of order',
    altered: 'altered',
    unacked: 'unacked',
  };
  const found = Object.entries(faults).filter(([, count]) => count > 0);
  return found.length === 0 ? '0 faults' : found.map(([key, n]) => `${n} ${names[key as keyof Faults]}`).join(', ');
}
