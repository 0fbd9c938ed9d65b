import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Whether an account was logged in on a device before.
  await sql`create index session_of_device on session (user_id, device_id)`.execute(db);
}
