import { type Pool, transaction } from '@realchat/db';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import { letterId } from '../domain/letter-id.ts';
import { type OperatorAction, writeAction } from './audit.ts';
import {
  AT_COORDINATES,
  type Coordinates,
  coordinateArrays,
  LETTER_COLUMNS,
  type LetterRow,
  type StoredLetter,
  toStoredLetter,
} from './letter-row.ts';

const { OPEN, DISCARDED } = DeadLetterState;

/** Why nothing was discarded: one that does not exist, or one that is neither open nor discarded. */
export type DiscardRefusal = { notFound: Coordinates } | { notOpen: Coordinates };

/** Gives dead letters up, all of them or none. Answers them as they are then. */
export async function discardLetters(
  pool: Pool,
  letters: readonly Coordinates[],
  reason: string,
  by: Pick<OperatorAction, 'userId' | 'traceId'>,
): Promise<{ letters: StoredLetter[] } | DiscardRefusal> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<LetterRow>(
      `select ${LETTER_COLUMNS} from dead_letter where ${AT_COORDINATES} order by topic, partition, record_offset for update`,
      coordinateArrays(letters),
    );
    const known = new Map(rows.map((row) => [letterId(toStoredLetter(row)), toStoredLetter(row)]));
    const notFound = letters.find((letter) => !known.has(letterId(letter)));
    if (notFound) return { notFound };
    const notOpen = [...known.values()].find(({ state }) => state !== OPEN && state !== DISCARDED);
    if (notOpen) return { notOpen };

    const { rows: discarded } = await db.query<LetterRow>(
      `update dead_letter set state = ${DISCARDED}, state_time = now(), operator_id = $4, discard_reason = $5,
         version = version + 1, update_time = now()
       where ${AT_COORDINATES} and state = ${OPEN} returning ${LETTER_COLUMNS}`,
      [...coordinateArrays(letters), by.userId, reason],
    );
    for (const row of discarded) {
      const letter = toStoredLetter(row);
      known.set(letterId(letter), letter);
      await writeAction(db, { ...by, action: 'discard', subject: letterId(letter), detail: reason });
    }
    return { letters: letters.map((letter) => known.get(letterId(letter)) as StoredLetter) };
  });
}
