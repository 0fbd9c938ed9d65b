import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Updated every second while a device reads: half-empty pages keep the updates on the page.
  await sql`
    create table device (
      user_id uuid not null,
      device_id text not null,
      epoch_tag bytea,
      positions bigint[],
      acknowledge_time timestamptz,
      last_seen_time timestamptz not null,
      primary key (user_id, device_id)
    ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)`.execute(db);
  await sql`comment on column device.positions is
    'What the device has acknowledged, by shard id, of the log that epoch_tag stands for. Null: nothing yet.'`.execute(
    db,
  );
  // For the purge; its entries change as last_seen_time does, so it is kept small.
  await sql`create index device_last_seen on device using brin (last_seen_time)`.execute(db);
}
