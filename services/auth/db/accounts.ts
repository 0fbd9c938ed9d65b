import type { Pool } from '@realchat/db';

/** What the proof of a password needs of an account. */
export interface Credentials {
  userId: string;
  username: string;
  passwordHash: string;
  /** Another one with every change of the password. */
  passwordVersion: number;
  /** It was logged in on the device before. */
  knowsDevice: boolean;
}

/** The account of a username or of a user id, and whether it knows a device; undefined when there is none. */
export async function findCredentials(
  pool: Pool,
  of: ({ username: string } | { userId: string }) & { deviceId: string },
): Promise<Credentials | undefined> {
  const [column, key] = 'username' in of ? ['username', of.username] : ['user_id', of.userId];
  const { rows } = await pool.query<{
    user_id: string;
    username: string;
    password_hash: string;
    password_version: number;
    knows_device: boolean;
  }>(
    `select user_id, username, password_hash, password_version,
       exists (select 1 from session where session.user_id = account.user_id and device_id = $2) as knows_device
     from account where ${column} = $1`,
    [key, of.deviceId],
  );
  const row = rows[0];
  return (
    row && {
      userId: row.user_id,
      username: row.username,
      passwordHash: row.password_hash,
      passwordVersion: row.password_version,
      knowsDevice: row.knows_device,
    }
  );
}

/** Whether an account has the username. */
export async function isUsernameTaken(pool: Pool, username: string): Promise<boolean> {
  const { rowCount } = await pool.query('select 1 from account where username = $1', [username]);
  return rowCount === 1;
}

/** Replaces a password's hash, unless the password was changed meanwhile. */
export async function replacePasswordHash(pool: Pool, credentials: Credentials, newHash: string): Promise<void> {
  await pool.query('update account set password_hash = $3 where user_id = $1 and password_hash = $2', [
    credentials.userId,
    credentials.passwordHash,
    newHash,
  ]);
}

/** Those of the ids, as they were written, that no account has. */
export async function findMissingAccounts(pool: Pool, userIds: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from unnest($1::text[]) with ordinality as asked (id, place)
     where not exists (select 1 from account where user_id = asked.id::uuid)
     order by place`,
    [userIds],
  );
  return rows.map((row) => row.id);
}
