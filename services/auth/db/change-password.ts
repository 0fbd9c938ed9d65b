import { type Pool, transaction } from '@realchat/db';
import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { appendAccountEvent, lockShard } from './event-log.ts';
import { IS_ALIVE } from './live-sessions.ts';

/** A change of a password that was proven. */
export interface PasswordChange {
  userId: string;
  /** Of the password that was proven. */
  passwordVersion: number;
  newHash: string;
  /** The session that asks, and goes on. */
  keptSessionId: string;
  traceparent: string;
}

/**
 * Replaces the password, ends every other session of the account and says so in the log, in one transaction; undefined when
 * the password was changed meanwhile. A login that runs beside it either finds its password changed or has its session ended.
 */
export async function changePassword(
  pool: Pool,
  change: PasswordChange,
): Promise<{ shard: number; endedSessionIds: string[] } | undefined> {
  const { userId, traceparent } = change;
  const reason = SessionEndReason.PASSWORD_CHANGED;
  const { rows } = await pool.query<{ shard: number }>('select shard from account where user_id = $1', [userId]);
  const shard = rows[0]?.shard;
  if (shard === undefined) return undefined;
  return await transaction(pool, async (client) => {
    await lockShard(client, shard);
    const { rowCount } = await client.query(
      `update account set password_hash = $3, password_version = password_version + 1
       where user_id = $1 and password_version = $2`,
      [userId, change.passwordVersion, change.newHash],
    );
    if (rowCount !== 1) return undefined;
    const ended = await client.query<{ session_id: string }>(
      `update session set end_time = now(), end_reason = $3
       where user_id = $1 and session_id <> $2 and ${IS_ALIVE} returning session_id`,
      [userId, change.keptSessionId, reason],
    );
    const endedSessionIds = ended.rows.map((row) => row.session_id);
    for (const sessionId of endedSessionIds) {
      const event = { case: 'sessionEnded', value: { sessionId, reason } } as const;
      await appendAccountEvent(client, { shard, userId, change: event, traceparent });
    }
    return { shard, endedSessionIds };
  });
}
