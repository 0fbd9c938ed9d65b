import type { Pool } from '@realchat/db';

/** What a login needs of an account. */
export interface Credentials {
  userId: string;
  passwordHash: string;
}

/** The account of a username; undefined when there is none. */
export async function findCredentials(pool: Pool, username: string): Promise<Credentials | undefined> {
  const { rows } = await pool.query<{ user_id: string; password_hash: string }>(
    'select user_id, password_hash from account where username = $1',
    [username],
  );
  return rows[0] && { userId: rows[0].user_id, passwordHash: rows[0].password_hash };
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
