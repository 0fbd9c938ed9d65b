export type { ConsumeOptions, GroupReader, HandlerContext } from './consume-options.ts';
export { type ConversationRecord, decodeConversationRecord, encodeConversationRecord } from './conversation-record.ts';
export {
  DEAD_LETTER,
  type DeadLetter,
  type DeadLetterValue,
  decodeDeadLetter,
  historyOf,
  replayOf,
  withoutHistory,
} from './dead-letter.ts';
export type { Attempts } from './dead-letters.ts';
export {
  type Classify,
  DependencyError,
  EventLogUnavailableError,
  PoisonError,
  RecordRefusedError,
  type Verdict,
} from './errors.ts';
export { createEventLog, type EventLog } from './event-log.ts';
export type { Producer } from './producer.ts';
export type { RecordFetcher } from './record-fetcher.ts';
export { sizeOf } from './record-size.ts';
export {
  type Appended,
  coordinatesOf,
  type EventRecord,
  Headers,
  type HeaderValue,
  type OutgoingRecord,
} from './records.ts';
export {
  checkSchemaVersion,
  EVENT_SCHEMAS,
  type EventSchema,
  fieldsSince,
  SCHEMA_HEADER,
  schemaVersionOf,
} from './schemas.ts';
export { eventLogSettings } from './settings.ts';
export type { Tail, TailOptions } from './tail.ts';
export { ACCOUNT_EVENTS, CONVERSATION_EVENTS, deadLetters, deadLetterTopicOf, TOPICS, type Topic } from './topics.ts';
