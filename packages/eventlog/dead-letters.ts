import { type Logger, parseTraceparent } from '@realchat/telemetry';
import { DEAD_LETTER, historyOf, withoutHistory } from './dead-letter.ts';
import { PoisonError, RecordRefusedError } from './errors.ts';
import type { UndecodableBatch } from './kafkajs.ts';
import type { EventLogMetrics } from './metrics.ts';
import type { Producer } from './producer.ts';
import { coordinatesOf, type EventRecord, type HeaderValue, type OutgoingRecord } from './records.ts';
import { SCHEMA_HEADER } from './schemas.ts';
import { deadLetterTopicOf } from './topics.ts';

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

// What a schema's version may take up beside the record.
const MAX_SCHEMA_LENGTH = 32;

export function createDeadLetters(parts: { producer: Producer; log: Logger; metrics: EventLogMetrics }): DeadLetters {
  const setAside = async (
    record: EventRecord,
    error: unknown,
    attempts: Attempts & { isBatch?: boolean },
  ): Promise<void> => {
    const { topic, partition } = record;
    const now = Date.now();
    const { name, reason, message } = describe(error);
    const history = historyOf(record);
    const offset = history?.offset ?? record.offset;
    const own: Record<string, HeaderValue> = {
      [DEAD_LETTER.topic]: topic,
      [DEAD_LETTER.partition]: String(partition),
      [DEAD_LETTER.offset]: String(offset),
      [DEAD_LETTER.timestamp]: String(history?.timestampMs ?? record.timestampMs),
      [DEAD_LETTER.reader]: attempts.reader,
      [DEAD_LETTER.errorClass]: name,
      [DEAD_LETTER.errorReason]: reason,
      [DEAD_LETTER.errorMessage]: message,
      [DEAD_LETTER.attempts]: String((attempts.attempts ?? 1) + (history?.attempts ?? 0)),
      [DEAD_LETTER.firstAttempt]: String(history?.firstAttemptMs ?? attempts.firstAtMs ?? now),
      [DEAD_LETTER.lastAttempt]: String(now),
      ...aboutWriting(record),
    };
    if (history) {
      own[DEAD_LETTER.replays] = String(history.replays);
      own[DEAD_LETTER.failedOffset] = String(record.offset);
    }
    if (record.key !== null) own[DEAD_LETTER.key] = record.key;
    if (record.value === null) own[DEAD_LETTER.value] = 'null';
    else if (attempts.isBatch) own[DEAD_LETTER.value] = 'batch';
    const letter: OutgoingRecord = {
      topic: deadLetterTopicOf(topic),
      partition: 0,
      key: coordinatesOf({ topic, partition, offset }),
      // Null would delete the dead letter on compaction.
      value: record.value ?? new Uint8Array(0),
      headers: { ...withoutHistory(record.headers).toOutgoing(), ...own },
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
      { topic, partition, offset: String(offset), reader: attempts.reader, error: name, reason },
      'a record was dead-lettered',
    );
  };
  return {
    setAside,
    setAsideBatch: (record, { firstOffset, reason, detail }, reader) =>
      setAside(
        { ...record, offset: firstOffset },
        new PoisonError(reason, `records up to offset ${record.offset}: ${detail}`),
        { reader, isBatch: true },
      ),
  };
}

/** What a reader of the dead letter may need of the record's own headers, which are left out with a value that is too large. */
function aboutWriting({ headers }: EventRecord): Record<string, string> {
  const about: Record<string, string> = {};
  const trace = parseTraceparent(headers.text('traceparent'));
  if (trace) about[DEAD_LETTER.traceId] = trace.traceId;
  const schema = headers.text(SCHEMA_HEADER);
  if (schema && schema.length <= MAX_SCHEMA_LENGTH) about[DEAD_LETTER.schema] = schema;
  return about;
}

/** What may be told of an error: other people's messages can quote the record, so of those only the place is told. */
function describe(error: unknown): { name: string; reason: string; message: string } {
  if (error instanceof PoisonError) return { name: error.name, reason: error.reason, message: error.message };
  if (!(error instanceof Error)) return { name: 'unknown', reason: '', message: '' };
  const place = error.stack?.split('\n').find((line) => line.startsWith('    at '));
  return { name: error.name, reason: '', message: place?.trim() ?? '' };
}
