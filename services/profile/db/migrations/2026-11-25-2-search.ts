import { type Kysely, sql } from 'kysely';

// Usernames are in lower case already. Which letters are one another's lower case is said by the collation, not by how the
// database was made; the operator class serves LIKE 'prefix%'.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index profile_display_name on profile (lower(display_name collate "pg_c_utf8") text_pattern_ops)`.execute(
    db,
  );
}
