import { CONVERSATION_EVENTS, encodeConversationRecord } from '@realchat/eventlog';
import type { OutboxRow, OutboxSource } from '@realchat/outbox';
import { SHARD_COUNT } from '../domain/shard.ts';
import { type LogRow, placed, readHeads, readShard } from './read-log.ts';

/** The event log as the relay reads it. */
export const logSource: OutboxSource = {
  name: CONVERSATION_EVENTS.name,
  shards: SHARD_COUNT,
  readHeads,
  readAfter: async (client, shard, position, limit) =>
    (await readShard(client, shard, position, limit)).map(toOutboxRow),
};

function toOutboxRow(row: LogRow): OutboxRow {
  return {
    position: row.position,
    createTimeMs: Number(row.micros / 1_000n),
    record: encodeConversationRecord({
      shard: row.shard,
      conversationId: row.conversation_id,
      seq: row.seq,
      position: row.position,
      type: row.type,
      traceparent: row.traceparent,
      event: placed(row),
    }),
  };
}
