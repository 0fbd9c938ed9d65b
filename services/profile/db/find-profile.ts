import type { Pool } from '@realchat/db';
import { PROFILE_COLUMNS, type ProfileRow, type StoredProfile, toStoredProfile } from './profile-row.ts';

/** The profile of a user id, a UUID in any case. */
export async function findProfileByUserId(pool: Pool, userId: string): Promise<StoredProfile | undefined> {
  const { rows } = await pool.query<ProfileRow>(`select ${PROFILE_COLUMNS} from profile where user_id = $1`, [userId]);
  return rows[0] && toStoredProfile(rows[0]);
}

/** The profile of an exact username. */
export async function findProfileByUsername(pool: Pool, username: string): Promise<StoredProfile | undefined> {
  // A NUL is in no username, and Postgres takes none even in a question.
  if (username.includes('\0')) return undefined;
  const { rows } = await pool.query<ProfileRow>(`select ${PROFILE_COLUMNS} from profile where username = $1`, [
    username,
  ]);
  return rows[0] && toStoredProfile(rows[0]);
}

/** The profiles that there are of user ids, UUIDs in any case, each once, in the order of the ids. */
export async function findProfilesByUserIds(pool: Pool, userIds: string[]): Promise<StoredProfile[]> {
  const { rows } = await pool.query<ProfileRow>(
    `select ${PROFILE_COLUMNS} from profile where user_id = any($1::uuid[]) order by array_position($1::uuid[], user_id)`,
    [userIds],
  );
  return rows.map(toStoredProfile);
}
