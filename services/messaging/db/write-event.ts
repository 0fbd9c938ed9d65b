import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Pool, type PoolClient, transaction } from '@realchat/db';
import type { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { v7 as uuidv7 } from 'uuid';
import { encodeEvent } from '../domain/event-bytes.ts';
import { shardOf } from '../domain/shard.ts';

/** Who changes which conversation. */
export interface Author {
  conversationId: string;
  userId: string;
  traceparent: string;
}

/** A durable change of a conversation, but for its place. */
export interface NewEvent {
  by: Author;
  type: LogRecordType;
  change: NonNullable<MessageInitShape<typeof ConversationEventSchema>['change']>;
}

/**
 * Runs a transaction that holds the lock of the conversation's shard from its first statement through its commit: what
 * `work` reads is what holds when it writes, and what it writes takes the next places of the log.
 */
export function withShardLock<T>(
  pool: Pool,
  conversationId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return transaction(pool, async (client) => {
    await lockShard(client, conversationId);
    return work(client);
  });
}

/** Takes the lock of a conversation's shard, in a statement of its own: the snapshots of those that follow are newer. */
export async function lockShard(client: PoolClient, conversationId: string): Promise<void> {
  await client.query('select 1 from shard where id = $1 for update', [shardOf(conversationId)]);
}

/** Appends an event under the shard's lock, and returns the seq that it got. */
export async function writeEvent(client: PoolClient, event: NewEvent): Promise<bigint> {
  const { conversationId, userId, traceparent } = event.by;
  const body = encodeEvent({ conversationId, actorId: userId, change: event.change });
  const result = await client.query<{ seq: bigint }>(
    `with place as (update shard set head = head + 1 where id = $1 returning head),
     moved as (
       update conversation set last_seq = last_seq + 1, head_position = head from place
       where id = $2 returning last_seq, head)
     insert into event (shard, position, conversation_id, seq, type, event_id, create_time, body, traceparent)
     select $1, head, $2, last_seq, $3, $4, clock_timestamp(), $5, $6 from moved returning seq`,
    [shardOf(conversationId), conversationId, event.type, uuidv7(), body, traceparent],
  );
  const seq = result.rows[0]?.seq;
  if (seq === undefined) throw new Error('an event was written to no conversation');
  return seq;
}
