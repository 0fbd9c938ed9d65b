import type { Logger } from '@realchat/telemetry';
import { PoisonError, RecordRefusedError } from './errors.ts';
import type { UndecodableBatch } from './kafkajs.ts';
import type { EventLogMetrics } from './metrics.ts';
import type { Producer } from './producer.ts';
import { coordinatesOf, type EventRecord, type HeaderValue, type OutgoingRecord } from './records.ts';
import { deadLetterTopicOf } from './topics.ts';

/**
 * Headers of a dead letter. Its key is the coordinates of the record, `<topic>/<partition>/<offset>`, its value is the
 * record's value, and the record's own headers stand beside these, traceparent among them.
 */
export const DEAD_LETTER = {
  topic: 'dlq-topic',
  partition: 'dlq-partition',
  offset: 'dlq-offset',
  /** The record's key; absent when it had none. */
  key: 'dlq-key',
  /** Why the dead letter's value is empty, where it is not the record's: `null`, the record had none; `left-out`, the broker refused one so large. */
  value: 'dlq-value',
  /** When the record was appended, in milliseconds since 1970. */
  timestamp: 'dlq-timestamp',
  /** Who could not handle it. */
  reader: 'dlq-reader',
  /** The class of the error, and of a PoisonError its reason. */
  errorClass: 'dlq-error-class',
  errorReason: 'dlq-error-reason',
  /** Of errors that promise to carry no content; of others, where in the code they arose. */
  errorMessage: 'dlq-error-message',
  attempts: 'dlq-attempts',
  /** When handling was first and last tried, in milliseconds since 1970. */
  firstAttempt: 'dlq-first-attempt',
  lastAttempt: 'dlq-last-attempt',
} as const;

/** How a record came to be given up. */
export interface Attempts {
  /** Names who could not handle it. */
  reader: string;
  /** How often it was tried. Default 1. */
  attempts?: number;
  /** When it was first tried, in milliseconds since 1970. Default: now. */
  firstAtMs?: number;
}

/** Sets records aside. */
export interface DeadLetters {
  /** Resolves with the ack of the broker. Setting the same record aside again changes nothing for those who look at the topic. */
  setAside(record: EventRecord, error: unknown, attempts: Attempts): Promise<void>;
  /** The same for a batch that nobody could take apart: the value is the batch as it is in the log. */
  setAsideBatch(record: EventRecord, batch: UndecodableBatch, reader: string): Promise<void>;
}

export function createDeadLetters(parts: { producer: Producer; log: Logger; metrics: EventLogMetrics }): DeadLetters {
  const setAside = async (record: EventRecord, error: unknown, attempts: Attempts): Promise<void> => {
    const { topic, partition } = record;
    const now = Date.now();
    const { name, reason, message } = describe(error);
    const own: Record<string, HeaderValue> = {
      [DEAD_LETTER.topic]: topic,
      [DEAD_LETTER.partition]: String(partition),
      [DEAD_LETTER.offset]: String(record.offset),
      [DEAD_LETTER.timestamp]: String(record.timestampMs),
      [DEAD_LETTER.reader]: attempts.reader,
      [DEAD_LETTER.errorClass]: name,
      [DEAD_LETTER.errorReason]: reason,
      [DEAD_LETTER.errorMessage]: message,
      [DEAD_LETTER.attempts]: String(attempts.attempts ?? 1),
      [DEAD_LETTER.firstAttempt]: String(attempts.firstAtMs ?? now),
      [DEAD_LETTER.lastAttempt]: String(now),
    };
    if (record.key !== null) own[DEAD_LETTER.key] = record.key;
    if (record.value === null) own[DEAD_LETTER.value] = 'null';
    const letter: OutgoingRecord = {
      topic: deadLetterTopicOf(topic),
      partition: 0,
      key: coordinatesOf(record),
      // Null would delete the dead letter on compaction.
      value: record.value ?? new Uint8Array(0),
      headers: { ...record.headers.toOutgoing(), ...own },
    };
    await parts.producer.send([letter]).catch((error: unknown) => {
      if (!(error instanceof RecordRefusedError)) throw error;
      // A reader that waited for this would wait for ever. The record itself is still in its topic.
      return parts.producer.send([
        { ...letter, value: new Uint8Array(0), headers: { ...own, [DEAD_LETTER.value]: 'left-out' } },
      ]);
    });
    parts.metrics.deadLettered.inc({ reader: attempts.reader, topic, reason: reason || name });
    parts.log.error(
      { topic, partition, offset: String(record.offset), reader: attempts.reader, error: name, reason },
      'a record was dead-lettered',
    );
  };
  return {
    setAside,
    setAsideBatch: (record, { firstOffset, reason, detail }, reader) =>
      setAside(
        { ...record, offset: firstOffset },
        new PoisonError(reason, `records up to offset ${record.offset}: ${detail}`),
        {
          reader,
        },
      ),
  };
}

/** What may be told of an error: other people's messages can quote the record, so of those only the place is told. */
function describe(error: unknown): { name: string; reason: string; message: string } {
  if (error instanceof PoisonError) return { name: error.name, reason: error.reason, message: error.message };
  if (!(error instanceof Error)) return { name: 'unknown', reason: '', message: '' };
  const place = error.stack?.split('\n').find((line) => line.startsWith('    at '));
  return { name: error.name, reason: '', message: place?.trim() ?? '' };
}
