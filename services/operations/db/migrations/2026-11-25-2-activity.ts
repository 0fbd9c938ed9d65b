import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table activity (
      day date not null,
      conversation_id uuid not null,
      messages bigint not null,
      primary key (day, conversation_id)
    )`.execute(db);
  await sql`create index activity_busiest on activity (day, messages desc, conversation_id)`.execute(db);
  await sql`
    create table activity_member (
      day date not null,
      conversation_id uuid not null,
      user_id uuid not null,
      primary key (day, conversation_id, user_id)
    )`.execute(db);

  // Which events are counted: those up to seq, but for the gaps, which are few. So an event that comes again is known, and
  // one that comes late, as a replayed dead letter does, is counted still.
  await sql`
    create table activity_counted (
      conversation_id uuid primary key,
      seq bigint not null,
      gaps int8multirange not null default '{}'
    ) with (fillfactor = 70)`.execute(db);
}
