import { type ConversationRecord, PoisonError } from '@realchat/eventlog';
import type { LogRecord } from '@realchat/gen/realchat/messaging/v1/log_service';
import { outlineOf } from '../domain/event-outline.ts';
import { eventFrame, type Frame } from '../domain/frames.ts';
import { type LogEntry, membershipOf } from '../domain/log-entry.ts';
import { placeOf } from '../domain/log-place.ts';

/** Takes a record of the topic, which stands at that offset. Throws PoisonError when its headers are not those of the event that it carries. */
export function entryOfRecord(record: ConversationRecord, offset: number): LogEntry {
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
    frame: eventFrame(record.event, record.traceparent, placeOf(record.shard, position)),
    membership,
    source: 'kafka',
    offset,
    createTime: outline.createTime,
  };
}

/** Takes a record of the database, which is the truth whatever it holds. */
export function entryOfLog(record: LogRecord): LogEntry {
  return {
    shard: record.shard,
    position: Number(record.position),
    conversationId: record.conversationId,
    frame: frameOfLog(record),
    membership: membershipOf(record.type, record.event),
    source: 'database',
    offset: -1,
    createTime: outlineOf(record.event)?.createTime ?? 0,
  };
}

/** The frame of a record of the database. */
export function frameOfLog({ event, traceparent, shard, position }: LogRecord): Frame {
  return eventFrame(event, traceparent, placeOf(shard, Number(position)));
}
