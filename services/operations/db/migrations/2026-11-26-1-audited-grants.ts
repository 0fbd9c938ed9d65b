import { type Kysely, sql } from 'kysely';

// Who was made an operator, by whom, and when that was taken back, over and over.
export async function up(db: Kysely<unknown>): Promise<void> {
  // A row for each grant, so that a later one leaves it as it was taken back.
  await sql`alter table operator drop constraint operator_pkey, add primary key (user_id, grant_time)`.execute(db);
  await sql`create unique index operator_now on operator (user_id) where revoke_time is null`.execute(db);

  await sql`alter table operator_action alter column user_id drop not null`.execute(db);
  await sql`comment on column operator_action.user_id is
    'Null when it was done by way of the database, which needs no account: detail says what is known of who did it.'`.execute(
    db,
  );
}
