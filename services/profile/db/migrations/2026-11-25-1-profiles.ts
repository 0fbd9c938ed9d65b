import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table profile (
      user_id uuid primary key,
      username text collate "C" not null,
      display_name text not null,
      create_time timestamptz not null,
      account_position bigint not null,
      constraint profile_username unique (username)
    )`.execute(db);
  await sql`comment on column profile.account_position is
    'Of the newest account event that is in this row: one at or below it changes nothing, however often it comes.'`.execute(
    db,
  );
}
