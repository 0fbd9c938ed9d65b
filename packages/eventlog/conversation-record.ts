import { PoisonError } from './errors.ts';
import type { EventRecord, OutgoingRecord } from './records.ts';
import { checkSchemaVersion, SCHEMA_HEADER, schemaVersionOf } from './schemas.ts';
import { CONVERSATION_EVENTS } from './topics.ts';

/**
 * One event of a conversation as it stands in the topic: the encoded ConversationEvent is the value, and the headers say
 * what a reader needs to route it without decoding.
 */
export interface ConversationRecord {
  /** The shard, which is the partition. */
  shard: number;
  /** A UUID in lower case. */
  conversationId: string;
  /** Gapless within the conversation, starting at 1; 0 for an event that takes none. */
  seq: bigint;
  /** Gapless within the shard, starting at 1. */
  position: bigint;
  /** The number of the event's LogRecordType; one that the reader does not know is handed on. */
  type: number;
  /** The W3C trace context of the call that wrote the event. Empty: none. */
  traceparent: string;
  /** The encoded ConversationEvent. */
  event: Uint8Array;
}

const HEADER = {
  conversationId: 'conversation-id',
  seq: 'seq',
  position: 'position',
  type: 'type',
  // A copy of a record in another partition would pass for an event of that shard, were the shard not said.
  shard: 'shard',
  traceparent: 'traceparent',
} as const;

const SCHEMA_VERSION = schemaVersionOf(CONVERSATION_EVENTS.name);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ORDINAL = /^[1-9][0-9]{0,18}$/;
const ORDINAL_OR_NONE = /^(0|[1-9][0-9]{0,18})$/;
const SMALL_NUMBER = /^(0|[1-9][0-9]{0,8})$/;
const MAX_TRACEPARENT_LENGTH = 256;

/** Writes an event as a record of the topic. */
export function encodeConversationRecord(record: ConversationRecord): OutgoingRecord {
  const headers: Record<string, string> = {
    [HEADER.conversationId]: record.conversationId,
    [HEADER.seq]: String(record.seq),
    [HEADER.position]: String(record.position),
    [HEADER.type]: String(record.type),
    [HEADER.shard]: String(record.shard),
    [SCHEMA_HEADER]: SCHEMA_VERSION,
  };
  if (record.traceparent) headers[HEADER.traceparent] = record.traceparent;
  return {
    topic: CONVERSATION_EVENTS.name,
    partition: record.shard,
    key: record.conversationId,
    value: record.event,
    headers,
  };
}

/** Reads a record of the topic. Throws PoisonError when it was not written by `encodeConversationRecord`. */
export function decodeConversationRecord(record: EventRecord): ConversationRecord {
  checkSchemaVersion(record);
  const conversationId = header(record, HEADER.conversationId, UUID);
  const seq = header(record, HEADER.seq, ORDINAL_OR_NONE);
  const position = header(record, HEADER.position, ORDINAL);
  const type = header(record, HEADER.type, SMALL_NUMBER);
  const shard = header(record, HEADER.shard, SMALL_NUMBER);
  if (Number(shard) !== record.partition) {
    throw new PoisonError('WRONG_PARTITION', 'the record is of the shard of another partition');
  }
  if (record.key === null || Buffer.from(record.key).toString('latin1') !== conversationId) {
    throw new PoisonError('KEY_MISMATCH', 'the key is not the conversation of the headers');
  }
  if (record.value === null || record.value.length === 0)
    throw new PoisonError('EMPTY_VALUE', 'the record has no event');
  return {
    shard: record.partition,
    conversationId,
    seq: BigInt(seq),
    position: BigInt(position),
    type: Number(type),
    traceparent: traceparentOf(record),
    event: record.value,
  };
}

function header(record: EventRecord, name: string, pattern: RegExp): string {
  const text = record.headers.text(name);
  if (text === undefined) throw new PoisonError('MISSING_HEADER', `the header ${name} is missing`);
  if (!pattern.test(text)) throw new PoisonError('MALFORMED_HEADER', `the header ${name} is malformed`);
  return text;
}

/** A trace is a convenience: an event with a strange one is delivered without it. */
function traceparentOf(record: EventRecord): string {
  const text = record.headers.text(HEADER.traceparent) ?? '';
  return text.length <= MAX_TRACEPARENT_LENGTH && /^[\x21-\x7e]*$/.test(text) ? text : '';
}
