import { fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { decodeConversationRecord, type EventRecord, PoisonError } from '@realchat/eventlog';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { OperationsContext } from '../context.ts';
import { addActivity, type SaidEvent } from '../db/add-activity.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Counts a run of records of `realchat.conversation-events.v1`. May be run again with the same records. */
export async function countActivity(
  { pool, events }: OperationsContext,
  records: readonly EventRecord[],
): Promise<void> {
  const decoded = records.map(toSaidEvent).filter((event) => event !== undefined);
  if (decoded.length > 0) events.activityCounted(await addActivity(pool, decoded), decoded.length);
}

/** Undefined for an event that takes no seq: it says nothing of messages, and may be superseded. */
function toSaidEvent(record: EventRecord): SaidEvent | undefined {
  const { conversationId, seq, event: bytes } = decodeConversationRecord(record);
  if (seq === 0n) return undefined;
  const { change, createTime, actorId, conversationId: inside, seq: seqInside } = decode(bytes);
  if (inside !== conversationId || seqInside !== seq) {
    throw new PoisonError('HEADERS_DISAGREE', 'the headers are not those of the event');
  }
  if (!createTime) throw new PoisonError('INVALID_EVENT', 'the event has no time');
  if (change.case !== 'messageSent') return { conversationId, seq, sender: undefined, day: '' };
  if (!UUID.test(actorId)) throw new PoisonError('INVALID_EVENT', 'the actor is not a UUID in lower case');
  return { conversationId, seq, sender: actorId, day: dayOf(timestampDate(createTime)) };
}

function decode(bytes: Uint8Array): ConversationEvent {
  try {
    return fromBinary(ConversationEventSchema, bytes);
  } catch {
    throw new PoisonError('UNDECODABLE_EVENT', 'the value is no event');
  }
}

function dayOf(time: Date): string {
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9_999) {
    throw new PoisonError('INVALID_EVENT', 'the time of the event is none');
  }
  return time.toISOString().slice(0, 10);
}
