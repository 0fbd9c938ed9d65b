import type { Pool } from '@realchat/db';
import { PROFILE_COLUMNS, type ProfileRow, type StoredProfile, toStoredProfile } from './profile-row.ts';

/** Which page of which search. */
export interface Search {
  /** What a name begins with, taken literally, upper and lower case alike. */
  prefix: string;
  /** The last username of the page before; empty for the first page. */
  after: string;
  limit: number;
}

/** The profiles whose username or display name begins with the prefix, in order of username. */
export async function searchProfiles(pool: Pool, { prefix, after, limit }: Search): Promise<StoredProfile[]> {
  // Without a name for the statement, so that it is planned with its values: only a known prefix can use the two indexes. The
  // username's is in the order of bytes.
  const { rows } = await pool.query<ProfileRow>(
    `select ${PROFILE_COLUMNS} from profile
     where (username like lower($1 collate "pg_c_utf8") collate "C" or lower(display_name collate "pg_c_utf8") like lower($1 collate "pg_c_utf8"))
       and username > $2
     order by username limit $3`,
    [`${literally(prefix)}%`, after, limit],
  );
  return rows.map(toStoredProfile);
}

/** A text in which no character has a special meaning to LIKE. */
function literally(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
