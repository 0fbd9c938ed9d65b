import { type Pool, transaction } from '@realchat/db';
import type { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { appendAccountEvent, lockShard } from './event-log.ts';

/** A session that was ended just now. */
export interface EndedSession {
  userId: string;
  shard: number;
}

/** Ends a session and says so in the log, in one transaction; undefined when it does not exist or has ended before. */
export async function endSession(
  pool: Pool,
  end: { sessionId: string; reason: SessionEndReason; traceparent: string },
): Promise<EndedSession | undefined> {
  const { sessionId, reason, traceparent } = end;
  const owner = await findOwner(pool, sessionId);
  if (!owner) return undefined;
  return await transaction(pool, async (client) => {
    await lockShard(client, owner.shard);
    const { rowCount } = await client.query(
      'update session set end_time = now(), end_reason = $2 where session_id = $1 and end_time is null',
      [sessionId, reason],
    );
    if (rowCount !== 1) return undefined;
    const change = { case: 'sessionEnded', value: { sessionId, reason } } as const;
    await appendAccountEvent(client, { ...owner, change, traceparent });
    return owner;
  });
}

/** Whether a token belongs to a session by the hashes that it keeps: the one in force or the one before it. */
export async function isTokenOf(pool: Pool, sessionId: string, tokenHash: Buffer): Promise<boolean> {
  const { rowCount } = await pool.query(
    'select 1 from session where session_id = $1 and (token_hash = $2 or parent_hash = $2)',
    [sessionId, tokenHash],
  );
  return rowCount === 1;
}

async function findOwner(pool: Pool, sessionId: string): Promise<EndedSession | undefined> {
  const { rows } = await pool.query<{ user_id: string; shard: number }>(
    `select user_id, shard from session join account using (user_id) where session_id = $1 and end_time is null`,
    [sessionId],
  );
  return rows[0] && { userId: rows[0].user_id, shard: rows[0].shard };
}
