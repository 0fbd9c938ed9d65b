import { isUniqueViolation, type Pool, transaction } from '@realchat/db';
import { shardOf } from '../domain/account-shard.ts';
import { appendAccountEvent, lockShard } from './event-log.ts';
import { type NewSession, openSession } from './open-session.ts';

/** An account about to be made, with its first session. */
export interface NewAccount {
  userId: string;
  username: string;
  passwordHash: string;
  session: NewSession;
  traceparent: string;
}

/** Makes the account, its session and its event in one transaction; undefined when somebody else has the name. */
export async function registerAccount(pool: Pool, account: NewAccount): Promise<{ shard: number } | undefined> {
  const { userId, username, traceparent } = account;
  const shard = shardOf(userId);
  try {
    await transaction(pool, async (client) => {
      await lockShard(client, shard);
      const change = { case: 'registered', value: { username } } as const;
      const createTime = await appendAccountEvent(client, { shard, userId, change, traceparent });
      await client.query(
        `insert into account (user_id, username, password_hash, shard, create_time) values ($1, $2, $3, $4, $5)`,
        [userId, username, account.passwordHash, shard, createTime],
      );
      await openSession(client, account.session);
    });
    return { shard };
  } catch (error) {
    if (isUniqueViolation(error, 'account_username')) return undefined;
    throw error;
  }
}
