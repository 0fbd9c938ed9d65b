import { PoisonError } from './errors.ts';
import { type EventRecord, Headers, type HeaderValue, type OutgoingRecord } from './records.ts';

/**
 * Headers of a dead letter. Its key is the coordinates of the record, `<topic>/<partition>/<offset>`, its value is the
 * record's value, and the record's own headers stand beside these, traceparent among them.
 *
 * A record that was replayed carries the first group of them and what is marked below, so that it comes back under the
 * coordinates where it stood first, with its history.
 */
export const DEAD_LETTER = {
  topic: 'dlq-topic',
  partition: 'dlq-partition',
  offset: 'dlq-offset',
  /** The record's key; absent when it had none. */
  key: 'dlq-key',
  /**
   * Why the dead letter's value is not the record's: `null`, the record had none; `left-out`, the broker refused one so large;
   * `batch`, the value is a whole batch as it is in the log, which nobody could take apart.
   */
  value: 'dlq-value',
  /** When the record was appended, in milliseconds since 1970. Replayed too. */
  timestamp: 'dlq-timestamp',
  /** Who could not handle it. */
  reader: 'dlq-reader',
  /** The class of the error, and of a PoisonError its reason. */
  errorClass: 'dlq-error-class',
  errorReason: 'dlq-error-reason',
  /** Of errors that promise to carry no content; of others, where in the code they arose. */
  errorMessage: 'dlq-error-message',
  /** How often handling was tried, over all replays. Replayed too. */
  attempts: 'dlq-attempts',
  /** When handling was first and last tried, in milliseconds since 1970. The first one is replayed too. */
  firstAttempt: 'dlq-first-attempt',
  lastAttempt: 'dlq-last-attempt',
  /** How often it had been replayed when it failed. Replayed too, and then counts this replay. */
  replays: 'dlq-replays',
  /** Where the copy stands that failed last; absent before the first replay. */
  failedOffset: 'dlq-failed-offset',
  /** The trace of the call that wrote the record; absent when it has none. */
  traceId: 'dlq-trace-id',
  /** The schema that the record says it was written with; absent when it says nothing. */
  schema: 'dlq-schema',
} as const;

const PREFIX = 'dlq-';

/** What the dead letter's value is. */
export type DeadLetterValue = 'whole' | 'null' | 'left-out' | 'batch';

/** A record that was set aside, as it stands in `<topic>.dlq`. */
export interface DeadLetter {
  /** Where the record stood first. With these it is one and the same dead letter, whoever sets it aside and how often. */
  topic: string;
  partition: number;
  offset: bigint;
  key: Uint8Array | null;
  /** The record's own. Empty when the value was left out. */
  headers: Headers;
  /** Of a batch, the batch as it is in the log. Null when there was none, or it was left out. */
  value: Uint8Array | null;
  valueIs: DeadLetterValue;
  /** When the record was appended, in milliseconds since 1970. */
  timestampMs: number;
  reader: string;
  errorClass: string;
  /** Of a PoisonError; else empty. */
  errorReason: string;
  errorMessage: string;
  attempts: number;
  firstAttemptMs: number;
  lastAttemptMs: number;
  replays: number;
  /** Where the copy stands that failed last: after a replay, another offset of the same partition. */
  failedOffset: bigint;
  /** 32 hex digits. Empty: none. */
  traceId: string;
  /** `<major>.<revision>`. Empty: the record does not say. */
  schemaVersion: string;
}

/** Reads a record of a `.dlq` topic. Throws PoisonError when it is no dead letter. */
export function decodeDeadLetter(record: EventRecord): DeadLetter {
  const { headers } = record;
  const text = (name: string) => headers.text(name) ?? '';
  const topic = text(DEAD_LETTER.topic);
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic)) throw malformed(DEAD_LETTER.topic);
  const partition = Number(whole(headers, DEAD_LETTER.partition));
  const offset = whole(headers, DEAD_LETTER.offset);
  const batch = text(DEAD_LETTER.errorReason);
  const said = text(DEAD_LETTER.value);
  // Of the first days: a batch was not marked as one.
  const isBatch = said === 'batch' || (said === '' && (batch === 'UNSUPPORTED_CODEC' || batch === 'UNDECODABLE_BATCH'));
  const valueIs: DeadLetterValue = said === 'null' || said === 'left-out' ? said : isBatch ? 'batch' : 'whole';
  const lastAttemptMs = Number(whole(headers, DEAD_LETTER.lastAttempt));
  return {
    topic,
    partition,
    offset,
    key: headers.bytes(DEAD_LETTER.key) ?? null,
    headers: withoutHistory(headers),
    value: valueIs === 'whole' || valueIs === 'batch' ? record.value : null,
    valueIs,
    timestampMs: Number(whole(headers, DEAD_LETTER.timestamp)),
    reader: text(DEAD_LETTER.reader),
    errorClass: text(DEAD_LETTER.errorClass),
    errorReason: text(DEAD_LETTER.errorReason),
    errorMessage: text(DEAD_LETTER.errorMessage),
    attempts: Number(whole(headers, DEAD_LETTER.attempts)),
    firstAttemptMs: Number(whole(headers, DEAD_LETTER.firstAttempt)),
    lastAttemptMs,
    replays: Number(whole(headers, DEAD_LETTER.replays, 0n)),
    failedOffset: whole(headers, DEAD_LETTER.failedOffset, offset),
    traceId: text(DEAD_LETTER.traceId),
    schemaVersion: text(DEAD_LETTER.schema),
  };
}

/**
 * The record as it is appended again: key, value and headers are what they were, and its history goes along. Not for a
 * dead letter whose value is a batch or was left out. `replay` is the number of the replay, one more than before unless
 * some came to nothing.
 */
export function replayOf(letter: DeadLetter, replay = letter.replays + 1): OutgoingRecord {
  return {
    topic: letter.topic,
    partition: letter.partition,
    key: letter.key,
    value: letter.value,
    headers: {
      ...letter.headers.toOutgoing(),
      [DEAD_LETTER.topic]: letter.topic,
      [DEAD_LETTER.partition]: String(letter.partition),
      [DEAD_LETTER.offset]: String(letter.offset),
      [DEAD_LETTER.timestamp]: String(letter.timestampMs),
      [DEAD_LETTER.attempts]: String(letter.attempts),
      [DEAD_LETTER.firstAttempt]: String(letter.firstAttemptMs),
      [DEAD_LETTER.replays]: String(replay),
    },
  };
}

/** What a replayed record brings along from before. */
export type History = Pick<DeadLetter, 'offset' | 'timestampMs' | 'attempts' | 'firstAttemptMs' | 'replays'>;

/** The history of a record that was replayed; undefined for one that stands where it stood first. */
export function historyOf(record: EventRecord): History | undefined {
  const { headers } = record;
  try {
    const replays = Number(whole(headers, DEAD_LETTER.replays, 0n));
    const offset = whole(headers, DEAD_LETTER.offset);
    const sameLog =
      headers.text(DEAD_LETTER.topic) === record.topic &&
      Number(whole(headers, DEAD_LETTER.partition)) === record.partition;
    if (replays === 0 || !sameLog || offset >= record.offset) return undefined;
    return {
      offset,
      replays,
      timestampMs: Number(whole(headers, DEAD_LETTER.timestamp)),
      attempts: Number(whole(headers, DEAD_LETTER.attempts)),
      firstAttemptMs: Number(whole(headers, DEAD_LETTER.firstAttempt)),
    };
  } catch {
    return undefined;
  }
}

/** The headers that the record itself had. */
export function withoutHistory(headers: Headers): Headers {
  const own = Object.entries(headers.toOutgoing()).filter(([name]) => !name.startsWith(PREFIX));
  return new Headers(Object.fromEntries(own) as Record<string, HeaderValue | HeaderValue[]>);
}

function whole(headers: Headers, name: string, otherwise?: bigint): bigint {
  const text = headers.text(name);
  if (text === undefined && otherwise !== undefined) return otherwise;
  if (text === undefined || !/^\d{1,18}$/.test(text)) throw malformed(name);
  return BigInt(text);
}

function malformed(name: string): PoisonError {
  return new PoisonError('NO_DEAD_LETTER', `the header ${name} is missing or malformed`);
}
