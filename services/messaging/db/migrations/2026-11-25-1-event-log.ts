import { type Kysely, sql } from 'kysely';

// The event log is the outbox. Every writer locks its shard row first, in a statement of its own, and holds it through the
// commit: so position order is commit order, and a reader may go by `position > last`.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table log_epoch (
      epoch uuid primary key default gen_random_uuid()
    )`.execute(db);
  await sql`insert into log_epoch default values`.execute(db);

  // Updated by every commit: half-empty pages keep the updates on the page, and vacuum comes early.
  await sql`
    create table shard (
      id int primary key,
      head bigint not null default 0
    ) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`.execute(db);
  await sql`insert into shard (id) select generate_series(0, 15)`.execute(db);

  await sql`
    create table conversation (
      id uuid primary key,
      shard int not null,
      kind smallint not null,
      title text not null,
      creator_id uuid not null,
      request_id text,
      request_hash bytea not null,
      direct_low uuid,
      direct_high uuid,
      create_time timestamptz not null,
      last_seq bigint not null,
      last_number bigint not null,
      head_position bigint not null,
      constraint conversation_direct_pair unique (direct_low, direct_high),
      constraint conversation_request unique (creator_id, request_id)
    ) with (fillfactor = 80)`.execute(db);

  // One row per stint. What a user may see is the union of the stints' seq ranges, both ends included.
  await sql`
    create table member (
      conversation_id uuid not null,
      user_id uuid not null,
      joined_seq bigint not null,
      left_seq bigint,
      role smallint not null,
      primary key (conversation_id, user_id, joined_seq)
    )`.execute(db);
  await sql`create unique index member_present on member (conversation_id, user_id) where left_seq is null`.execute(db);
  await sql`create index member_of_user on member (user_id, conversation_id)`.execute(db);

  await sql`
    create table event (
      shard int not null,
      position bigint not null,
      conversation_id uuid not null,
      seq bigint not null,
      number bigint,
      type smallint not null,
      event_id uuid not null,
      create_time timestamptz not null,
      body bytea not null,
      traceparent text not null,
      primary key (shard, position)
    )`.execute(db);
  await sql`create unique index event_seq on event (conversation_id, seq)`.execute(db);
  await sql`create index event_position on event (conversation_id, position)`.execute(db);

  await sql`
    create table send_key (
      sender_id uuid not null,
      device_id text not null,
      client_message_id text not null,
      request_hash bytea not null,
      seq bigint not null,
      number bigint not null,
      event_id uuid not null,
      create_time timestamptz not null,
      primary key (sender_id, device_id, client_message_id)
    )`.execute(db);
  await sql`create index send_key_age on send_key using brin (create_time)`.execute(db);
}
