import type { Pool } from '@realchat/db';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import type { LetterFilter } from '../domain/letter-filter.ts';
import type { LetterPlace } from '../domain/page-token.ts';
import {
  AT_COORDINATES,
  type Coordinates,
  coordinateArrays,
  LETTER_COLUMNS,
  type LetterRow,
  type StoredLetter,
  toStoredLetter,
} from './letter-row.ts';

/** The dead letters that a filter selects, the one that failed last first, behind a place when one is given. */
export async function listLetters(
  pool: Pool,
  { filter, after, limit }: { filter: LetterFilter; after: LetterPlace | undefined; limit: number },
): Promise<StoredLetter[]> {
  const { rows } = await pool.query<LetterRow>(
    `select ${LETTER_COLUMNS} from dead_letter
     where ${MATCHES}
       and ($7::bigint is null or
         (last_attempt, topic, partition, record_offset) < (timestamptz 'epoch' + $7 * interval '1 millisecond', $8, $9, $10))
     order by last_attempt desc, topic desc, partition desc, record_offset desc limit $11`,
    [...matching(filter), after?.lastAttemptMs, after?.topic, after?.partition, after?.offset, limit],
  );
  return rows.map(toStoredLetter);
}

/** The dead letters that may be replayed, of those that a filter selects, in the order of their records. */
export async function listReplayable(
  pool: Pool,
  { filter, limit }: { filter: LetterFilter; limit: number },
): Promise<StoredLetter[]> {
  const { rows } = await pool.query<LetterRow>(
    `select ${LETTER_COLUMNS} from dead_letter where ${MATCHES} and ${REPLAYABLE}
     order by topic, partition, record_offset limit $7`,
    [...matching(filter), limit],
  );
  return rows.map(toStoredLetter);
}

/** The dead letters at some coordinates that there are, in the order of their records. */
export async function findLetters(pool: Pool, coordinates: readonly Coordinates[]): Promise<StoredLetter[]> {
  const { rows } = await pool.query<LetterRow>(
    `select ${LETTER_COLUMNS} from dead_letter where ${AT_COORDINATES} order by topic, partition, record_offset`,
    coordinateArrays(coordinates),
  );
  return rows.map(toStoredLetter);
}

/** What has changed since a time, by the database's clock, what changed first first. */
export async function listChanged(
  pool: Pool,
  filter: LetterFilter,
  since: Date,
  limit: number,
): Promise<StoredLetter[]> {
  const { rows } = await pool.query<LetterRow>(
    `select ${LETTER_COLUMNS} from dead_letter
     where ${MATCHES} and update_time >= $7 order by update_time limit $8`,
    [...matching(filter), since, limit],
  );
  return rows.map(toStoredLetter);
}

/** The database's time, by which changes are known. */
export async function readClock(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>('select now() as now');
  return rows[0]?.now ?? new Date();
}

/** The dead letters of the same key in the same partition that are open and stood before this one. */
export async function listOpenBefore(pool: Pool, letter: StoredLetter): Promise<Coordinates[]> {
  const { rows } = await pool.query<{ record_offset: bigint }>(
    `select record_offset from dead_letter
     where topic = $1 and partition = $2 and key = $3 and record_offset < $4 and state in (${DeadLetterState.OPEN}, ${DeadLetterState.REPLAYING})
     order by record_offset`,
    [letter.topic, letter.partition, letter.key, letter.offset],
  );
  return rows.map((row) => ({ topic: letter.topic, partition: letter.partition, offset: row.record_offset }));
}

/** Where in a partition records stand that nobody has handled, from an offset on: a replayed one has been, unless it is open again. */
export async function deadOffsets(pool: Pool, { topic, partition, offset }: Coordinates): Promise<Set<bigint>> {
  const { rows } = await pool.query<{ record_offset: bigint }>(
    `select record_offset from dead_letter
     where topic = $1 and partition = $2 and record_offset >= $3 and state <> ${DeadLetterState.REPLAYED}`,
    [topic, partition, offset],
  );
  return new Set(rows.map((row) => row.record_offset));
}

const MATCHES = `($1 = '' or topic = $1) and ($2 = '' or error_class = $2) and ($3 = '' or key_text = $3)
  and ($4 = 0 or state = $4) and ($5::timestamptz is null or last_attempt >= $5) and ($6::timestamptz is null or last_attempt < $6)`;

/** Open, or left by a crash in the middle of a replay. */
export const REPLAYABLE = `(state = ${DeadLetterState.OPEN} or
  (state = ${DeadLetterState.REPLAYING} and state_time < now() - interval '1 minute'))`;

function matching(filter: LetterFilter): unknown[] {
  return [filter.topic, filter.errorClass, filter.key, filter.state, filter.since, filter.until];
}
