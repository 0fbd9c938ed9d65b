import { fromBinary } from '@bufbuild/protobuf';
import { type ConversationRecord, PoisonError } from '@realchat/eventlog';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { type LogRecord, LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { outlineOf } from './event-outline.ts';
import { eventFrame, type Frame } from './frames.ts';

/** Who came into a conversation by an event, and who left it. */
export interface MembershipChange {
  readonly joined: readonly string[];
  readonly left: string | undefined;
}

/** An event of the log as this node keeps it: enough to route it, and the frame that every session gets. */
export interface LogEntry {
  readonly shard: number;
  /** Exact up to 2^53, which a shard does not reach. */
  readonly position: number;
  readonly conversationId: string;
  readonly frame: Frame;
  /** Undefined: none. `unreadable`: there is one, and this node cannot know whom it concerns. */
  readonly membership: MembershipChange | 'unreadable' | undefined;
  /** How it came here. */
  readonly source: 'kafka' | 'database';
  /** When it was committed, in milliseconds since the epoch; 0 when that was not to be told cheaply. */
  readonly createTime: number;
}

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

function membershipOf(type: number, event: Uint8Array): LogEntry['membership'] {
  if (
    type !== LogRecordType.CONVERSATION_CREATED &&
    type !== LogRecordType.MEMBERS_ADDED &&
    type !== LogRecordType.MEMBER_REMOVED
  ) {
    return undefined;
  }
  try {
    const { change } = fromBinary(ConversationEventSchema, event);
    if (change.case === 'conversationCreated' || change.case === 'membersAdded') {
      return { joined: change.value.members.map((member) => member.userId), left: undefined };
    }
    if (change.case === 'memberRemoved') return { joined: [], left: change.value.userId };
  } catch {
    // Told by what is returned.
  }
  return 'unreadable';
}
