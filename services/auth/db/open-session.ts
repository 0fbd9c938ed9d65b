import type { Pool, PoolClient } from '@realchat/db';

/** A session about to be opened. */
export interface NewSession {
  sessionId: string;
  userId: string;
  deviceId: string;
  /** SHA-256 of its first refresh token. */
  tokenHash: Buffer;
}

/** Opens a session of a new account; it lives from now on. */
export async function openSession(client: PoolClient, session: NewSession): Promise<void> {
  await client.query(
    `insert into session (session_id, user_id, device_id, token_hash, refresh_time, create_time)
     values ($1, $2, $3, $4, now(), now())`,
    [session.sessionId, session.userId, session.deviceId, session.tokenHash],
  );
}

/** Opens a session of whoever proved the password of this version; false when the password was changed meanwhile. */
export async function openProvenSession(pool: Pool, session: NewSession, passwordVersion: number): Promise<boolean> {
  // The lock makes a change of the password wait for this session, to end it, or this session see the change.
  const { rowCount } = await pool.query(
    `insert into session (session_id, user_id, device_id, token_hash, refresh_time, create_time)
     select $1, user_id, $3, $4, now(), now() from account where user_id = $2 and password_version = $5 for share`,
    [session.sessionId, session.userId, session.deviceId, session.tokenHash, passwordVersion],
  );
  return rowCount === 1;
}
