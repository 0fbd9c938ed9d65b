import type { Pool } from '@realchat/db';
import { REFRESH_GRACE_MS, SESSION_MAX_MS } from '../domain/session-life.ts';
import { IS_ALIVE } from './live-sessions.ts';

/** A session as a refresh sees it. */
export interface LiveSession {
  sessionId: string;
  userId: string;
  deviceId: string;
  /** When it ends, however often it is refreshed, in milliseconds since the epoch. */
  endsAt: number;
}

/** What became of a refresh. */
export type Rotation =
  /** The successor is in force: by this refresh, or by one a moment ago that used the same token. */
  | { outcome: 'rotated' | 'repeated'; session: LiveSession }
  /** The session lives, and the token is not the one to refresh it with. */
  | { outcome: 'superseded' }
  /** There is no such session, or it has ended. */
  | { outcome: 'gone' };

/** Which token is to be replaced by which; all hashes are SHA-256. */
export interface RotationRequest {
  sessionId: string;
  tokenHash: Buffer;
  successorHash: Buffer;
}

interface SessionRow {
  user_id: string;
  device_id: string;
  create_time: Date;
}

/** Puts the successor in force, if the token still is. Of parallel calls with one token, one rotates and the others repeat. */
export async function rotateSession(pool: Pool, request: RotationRequest): Promise<Rotation> {
  const { sessionId, tokenHash, successorHash } = request;
  const rotated = await pool.query<SessionRow>(
    `update session set parent_hash = token_hash, token_hash = $3, refresh_time = now()
     where session_id = $1 and token_hash = $2 and ${IS_ALIVE}
     returning user_id, device_id, create_time`,
    [sessionId, tokenHash, successorHash],
  );
  if (rotated.rows[0]) return { outcome: 'rotated', session: toSession(sessionId, rotated.rows[0]) };

  const found = await pool.query<SessionRow & { repeated: boolean }>(
    `select user_id, device_id, create_time,
            parent_hash = $2 and token_hash = $3
              and refresh_time > now() - interval '${REFRESH_GRACE_MS} milliseconds' as repeated
     from session where session_id = $1 and ${IS_ALIVE}`,
    [sessionId, tokenHash, successorHash],
  );
  const row = found.rows[0];
  if (!row) return { outcome: 'gone' };
  return row.repeated ? { outcome: 'repeated', session: toSession(sessionId, row) } : { outcome: 'superseded' };
}

function toSession(sessionId: string, row: SessionRow): LiveSession {
  const endsAt = row.create_time.getTime() + SESSION_MAX_MS;
  return { sessionId, userId: row.user_id, deviceId: row.device_id, endsAt };
}
