export type { ConsumeOptions, GroupReader, HandlerContext } from './consume-options.ts';
export { type ConversationRecord, decodeConversationRecord, encodeConversationRecord } from './conversation-record.ts';
export { type Attempts, DEAD_LETTER } from './dead-letters.ts';
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
export { sizeOf } from './record-size.ts';
export {
  type Appended,
  coordinatesOf,
  type EventRecord,
  Headers,
  type HeaderValue,
  type OutgoingRecord,
} from './records.ts';
export { eventLogSettings } from './settings.ts';
export type { Tail, TailOptions } from './tail.ts';
export { ACCOUNT_EVENTS, CONVERSATION_EVENTS, deadLetters, deadLetterTopicOf, TOPICS, type Topic } from './topics.ts';
