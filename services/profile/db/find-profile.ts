import type { Pool } from '@realchat/db';

/** A profile as it is kept. */
export interface StoredProfile {
  userId: string;
  username: string;
  displayName: string;
  /** Microseconds since the epoch. */
  createTimeMicros: bigint;
}

interface Row {
  user_id: string;
  username: string;
  display_name: string;
  create_time_micros: bigint;
}

const COLUMNS = `user_id, username, display_name, (extract(epoch from create_time) * 1000000)::bigint as create_time_micros`;

/** The profile of a user id, a UUID in any case. */
export async function findProfileByUserId(pool: Pool, userId: string): Promise<StoredProfile | undefined> {
  const { rows } = await pool.query<Row>(`select ${COLUMNS} from profile where user_id = $1`, [userId]);
  return rows[0] && toProfile(rows[0]);
}

/** The profile of an exact username. */
export async function findProfileByUsername(pool: Pool, username: string): Promise<StoredProfile | undefined> {
  // A NUL is in no username, and Postgres takes none even in a question.
  if (username.includes('\0')) return undefined;
  const { rows } = await pool.query<Row>(`select ${COLUMNS} from profile where username = $1`, [username]);
  return rows[0] && toProfile(rows[0]);
}

function toProfile(row: Row): StoredProfile {
  return {
    userId: row.user_id,
    username: row.username,
    displayName: row.display_name,
    createTimeMicros: row.create_time_micros,
  };
}
