import type { Pool, PoolClient } from '@realchat/db';

/** A session about to be opened. */
export interface NewSession {
  sessionId: string;
  userId: string;
  deviceId: string;
  /** SHA-256 of its first refresh token. */
  tokenHash: Buffer;
}

/** Opens a session; it lives from now on. */
export async function openSession(client: Pool | PoolClient, session: NewSession): Promise<void> {
  await client.query(
    `insert into session (session_id, user_id, device_id, token_hash, refresh_time, create_time)
     values ($1, $2, $3, $4, now(), now())`,
    [session.sessionId, session.userId, session.deviceId, session.tokenHash],
  );
}
