import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A row says that a user may call as an operator, from the next call on; without `revoke_time` as null, no more.
  await sql`
    create table operator (
      user_id uuid primary key,
      grant_time timestamptz not null default now(),
      revoke_time timestamptz
    )`.execute(db);

  // What operators did, and nothing of what a record holds. Rows are only added.
  await sql`
    create table operator_action (
      id bigint generated always as identity primary key,
      create_time timestamptz not null default now(),
      user_id uuid not null,
      action text not null,
      subject text not null,
      detail text not null,
      trace_id text not null
    )`.execute(db);
  await sql`create index operator_action_subject on operator_action (subject)`.execute(db);

  // An index of what is in the `.dlq` topics, which keep the records. It can be made anew from them, but for what operators
  // decided.
  await sql`
    create table dead_letter (
      topic text collate "C" not null,
      partition int not null,
      record_offset bigint not null,
      key bytea,
      key_text text not null,
      readers text[] not null,
      error_class text not null,
      error_message text not null,
      attempts int not null,
      first_attempt timestamptz not null,
      last_attempt timestamptz not null,
      record_time timestamptz not null,
      trace_id text not null,
      schema_version text not null,
      replays int not null,
      failed_offset bigint not null,
      state smallint not null default 1,
      state_time timestamptz not null default now(),
      operator_id uuid,
      discard_reason text not null default '',
      dlq_offset bigint not null,
      version int not null default 1,
      update_time timestamptz not null default now(),
      primary key (topic, partition, record_offset)
    )`.execute(db);
  await sql`comment on column dead_letter.replays is
    'Counts a replay as soon as it is begun: a dead letter that comes back with fewer is of before, and opens nothing.'`.execute(
    db,
  );
  await sql`comment on column dead_letter.dlq_offset is
    'Where the newest dead letter of these coordinates stands in the one partition of the topic''s .dlq.'`.execute(db);
  await sql`create index dead_letter_newest on dead_letter
    (last_attempt desc, topic desc, partition desc, record_offset desc)`.execute(db);
  await sql`create index dead_letter_key on dead_letter (topic, partition, key) where state in (1, 2)`.execute(db);
  await sql`create index dead_letter_changed on dead_letter (update_time)`.execute(db);
}
