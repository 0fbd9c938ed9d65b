import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table account add column password_version int not null default 0`.execute(db);
  await sql`comment on column account.password_version is
    'Counts changes of the password, not of its hash alone. A login that proved the password of another version opens nothing.'`.execute(
    db,
  );
  await sql`create index session_ended on session (end_time) where end_time is not null`.execute(db);
}
