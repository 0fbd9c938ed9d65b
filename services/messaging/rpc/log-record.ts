import type { MessageInitShape } from '@bufbuild/protobuf';
import type { LogRecordSchema, LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { type LogRow, placed } from '../db/read-log.ts';

/** A row of the log as it travels: the event whole, with what routes it beside. */
export function toLogRecord(row: LogRow): MessageInitShape<typeof LogRecordSchema> {
  return {
    shard: row.shard,
    position: row.position,
    conversationId: row.conversation_id,
    seq: row.seq,
    type: row.type as LogRecordType,
    event: placed(row),
    traceparent: row.traceparent,
  };
}

/** The most bytes of events in one answer. Nodes ask for many at once when a crowd comes back, and all of them are in memory. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** The leading rows that fit into one answer; at least one if there is any. */
export function withinBytes(rows: LogRow[]): LogRow[] {
  let bytes = 0;
  const end = rows.findIndex((row, i) => {
    bytes += row.body.length;
    return i > 0 && bytes > MAX_ANSWER_BYTES;
  });
  return end === -1 ? rows : rows.slice(0, end);
}
