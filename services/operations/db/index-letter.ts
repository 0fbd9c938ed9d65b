import type { Pool } from '@realchat/db';
import type { DeadLetter } from '@realchat/eventlog';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';

const { OPEN, REPLAYING, REPLAYED } = DeadLetterState;

/** What an indexed dead letter was to the index. */
export type Indexed = 'new' | 'again' | 'known';

/**
 * Takes a dead letter into the index under its coordinates. What was taken before changes nothing. One that was replayed is
 * open again when this failure is of the last replay, not of before.
 */
export async function indexLetter(pool: Pool, letter: DeadLetter, dlqOffset: bigint): Promise<Indexed> {
  const { rows } = await pool.query<{ version: number }>(
    `insert into dead_letter as known (topic, partition, record_offset, key, key_text, readers, error_class, error_message,
       attempts, first_attempt, last_attempt, record_time, trace_id, schema_version, replays, failed_offset, dlq_offset)
     values ($1, $2, $3, $4, $5, array[$6], $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
     on conflict (topic, partition, record_offset) do update set
       readers = (select array_agg(distinct name order by name) from unnest(known.readers || excluded.readers) name),
       error_class = excluded.error_class,
       error_message = excluded.error_message,
       attempts = greatest(known.attempts, excluded.attempts),
       first_attempt = least(known.first_attempt, excluded.first_attempt),
       last_attempt = greatest(known.last_attempt, excluded.last_attempt),
       replays = greatest(known.replays, excluded.replays),
       failed_offset = excluded.failed_offset,
       state = case when ${REOPENS} then ${OPEN} else known.state end,
       state_time = case when ${REOPENS} then now() else known.state_time end,
       dlq_offset = excluded.dlq_offset,
       version = known.version + 1,
       update_time = now()
     where excluded.dlq_offset > known.dlq_offset
     returning version`,
    [
      letter.topic,
      letter.partition,
      letter.offset,
      letter.key,
      keyText(letter.key),
      clean(letter.reader),
      clean(letter.errorReason || letter.errorClass),
      clean(letter.errorMessage),
      letter.attempts,
      new Date(letter.firstAttemptMs),
      new Date(letter.lastAttemptMs),
      new Date(letter.timestampMs),
      clean(letter.traceId),
      clean(letter.schemaVersion),
      letter.replays,
      letter.failedOffset,
      dlqOffset,
    ],
  );
  if (!rows[0]) return 'known';
  return rows[0].version === 1 ? 'new' : 'again';
}

const REOPENS = `known.state in (${REPLAYING}, ${REPLAYED}) and excluded.replays >= known.replays`;

const MAX_KEY_LENGTH = 256;

function keyText(key: Uint8Array | null): string {
  return clean(Buffer.from(key ?? []).toString('utf8')).slice(0, MAX_KEY_LENGTH);
}

/** Postgres takes no NUL in a text. */
function clean(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
