import { createHash } from 'node:crypto';

/** The partitions of `realchat.account-events.v1`. Fixed with the topic's version. */
export const ACCOUNT_SHARDS = 4;

/** The shard of a new account; from then on the stored one counts. */
export function shardOf(userId: string): number {
  return createHash('sha256').update(userId).digest().readUInt32BE(0) % ACCOUNT_SHARDS;
}
