import { type ConversationRecord, PoisonError } from '@realchat/eventlog';
import type { LogRecord } from '@realchat/gen/realchat/messaging/v1/log_service';
import { outlineOf } from '../domain/event-outline.ts';
import { eventFrame } from '../domain/frames.ts';
import { type LogEntry, membershipOf } from '../domain/log-entry.ts';

/** Takes a record of the topic. Throws PoisonError when its headers are not those of the event that it carries. */
export function entryOfRecord(record: ConversationRecord): LogEntry {
  const outline = outlineOf(record.event);
  if (!outline) throw new PoisonError('UNDECODABLE_EVENT', 'the value is no event');
  const position = Number(record.position);
  if (
    outline.position !== position ||
    outline.seq !== Number(record.seq) ||
    outline.conversationId !== record.conversationId
  ) {
    throw new PoisonError('HEADERS_DISAGREE', 'the headers are not those of the event');
  }
  const membership = membershipOf(record.type, record.event);
  if (membership === 'unreadable') throw new PoisonError('UNDECODABLE_EVENT', 'the membership event cannot be decoded');
  return {
    shard: record.shard,
    position,
    conversationId: record.conversationId,
    frame: eventFrame(record.event, record.traceparent),
    membership,
    source: 'kafka',
    createTime: outline.createTime,
  };
}

/** Takes a record of the database, which is the truth whatever it holds. */
export function entryOfLog(record: LogRecord): LogEntry {
  return {
    shard: record.shard,
    position: Number(record.position),
    conversationId: record.conversationId,
    frame: eventFrame(record.event, record.traceparent),
    membership: membershipOf(record.type, record.event),
    source: 'database',
    createTime: outlineOf(record.event)?.createTime ?? 0,
  };
}
