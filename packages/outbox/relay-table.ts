/**
 * The tables that a relay keeps beside the log that it relays, for the service's own migrations. The relay adds a row for
 * each shard itself.
 *
 * `relay_shard` says how far each shard is published and who publishes it. Whoever takes a shard raises its epoch, and a
 * position is only ever written under the epoch that was taken. The rows are updated by every batch: half-empty pages keep
 * the updates on the page, and vacuum comes early.
 */
export const RELAY_TABLE_SQL = `
  create table relay_shard (
    shard int primary key,
    published bigint not null default 0,
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz
  ) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

  create table relay_member (
    owner text primary key,
    alive_until timestamptz not null
  ) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
`;
