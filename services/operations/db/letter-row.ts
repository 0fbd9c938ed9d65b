import type { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';

/** Where a record stood first: what names a dead letter. */
export interface Coordinates {
  topic: string;
  partition: number;
  offset: bigint;
}

/** A dead letter as it is indexed. */
export interface StoredLetter extends Coordinates {
  key: Uint8Array | null;
  keyText: string;
  readers: string[];
  errorClass: string;
  errorMessage: string;
  attempts: number;
  firstAttempt: Date;
  lastAttempt: Date;
  /** When the record was appended. */
  recordTime: Date;
  traceId: string;
  schemaVersion: string;
  replays: number;
  failedOffset: bigint;
  state: DeadLetterState;
  stateTime: Date;
  operatorId: string;
  discardReason: string;
  /** Where it stands in the topic's `.dlq`. */
  dlqOffset: bigint;
  /** Grows with every change. */
  version: number;
  /** When it changed last, by the database's clock. */
  updateTime: Date;
}

export interface LetterRow {
  topic: string;
  partition: number;
  record_offset: bigint;
  key: Buffer | null;
  key_text: string;
  readers: string[];
  error_class: string;
  error_message: string;
  attempts: number;
  first_attempt: Date;
  last_attempt: Date;
  record_time: Date;
  trace_id: string;
  schema_version: string;
  replays: number;
  failed_offset: bigint;
  state: number;
  state_time: Date;
  operator_id: string | null;
  discard_reason: string;
  dlq_offset: bigint;
  version: number;
  update_time: Date;
}

/** What a LetterRow is selected by. */
export const LETTER_COLUMNS = `topic, partition, record_offset, key, key_text, readers, error_class, error_message, attempts,
  first_attempt, last_attempt, record_time, trace_id, schema_version, replays, failed_offset, state, state_time, operator_id,
  discard_reason, dlq_offset, version, update_time`;

/** A condition that selects the coordinates in three arrays. */
export const AT_COORDINATES = `(topic, partition, record_offset) in
  (select * from unnest($1::text[], $2::int[], $3::bigint[]))`;

/** The parameters of AT_COORDINATES. */
export function coordinateArrays(letters: readonly Coordinates[]): [string[], number[], bigint[]] {
  return [
    letters.map(({ topic }) => topic),
    letters.map(({ partition }) => partition),
    letters.map(({ offset }) => offset),
  ];
}

export function toStoredLetter(row: LetterRow): StoredLetter {
  return {
    topic: row.topic,
    partition: row.partition,
    offset: row.record_offset,
    key: row.key,
    keyText: row.key_text,
    readers: row.readers,
    errorClass: row.error_class,
    errorMessage: row.error_message,
    attempts: row.attempts,
    firstAttempt: row.first_attempt,
    lastAttempt: row.last_attempt,
    recordTime: row.record_time,
    traceId: row.trace_id,
    schemaVersion: row.schema_version,
    replays: row.replays,
    failedOffset: row.failed_offset,
    state: row.state as DeadLetterState,
    stateTime: row.state_time,
    operatorId: row.operator_id ?? '',
    discardReason: row.discard_reason,
    dlqOffset: row.dlq_offset,
    version: row.version,
    updateTime: row.update_time,
  };
}
