import { type Kysely, sql } from 'kysely';

// The event log is the outbox. Every writer locks its shard row first, in a statement of its own, and holds it through the
// commit: so position order is commit order, and the relay may go by `position > published`.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table shard (
      id int primary key,
      head bigint not null default 0
    ) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`.execute(db);
  await sql`insert into shard (id) select generate_series(0, 3)`.execute(db);

  await sql`
    create table account_event (
      shard int not null,
      position bigint not null,
      user_id uuid not null,
      type text not null,
      create_time timestamptz not null,
      body bytea not null,
      traceparent text not null,
      primary key (shard, position)
    )`.execute(db);
}
