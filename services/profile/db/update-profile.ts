import type { Pool } from '@realchat/db';
import { PROFILE_COLUMNS, type ProfileRow, type StoredProfile, toStoredProfile } from './profile-row.ts';

/** Sets the name to show; undefined when the user has no profile yet. Account events leave it alone from then on, too. */
export async function updateProfile(
  pool: Pool,
  userId: string,
  displayName: string,
): Promise<StoredProfile | undefined> {
  const { rows } = await pool.query<ProfileRow>(
    `update profile set display_name = $2 where user_id = $1 returning ${PROFILE_COLUMNS}`,
    [userId, displayName],
  );
  return rows[0] && toStoredProfile(rows[0]);
}
