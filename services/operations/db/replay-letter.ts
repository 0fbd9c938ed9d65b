import { type Pool, transaction } from '@realchat/db';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import { type OperatorAction, writeAction } from './audit.ts';
import type { Coordinates } from './letter-row.ts';
import { REPLAYABLE } from './list-letters.ts';

const { OPEN, REPLAYING, REPLAYED } = DeadLetterState;
const AT = 'topic = $1 and partition = $2 and record_offset = $3';

/** Begins a replay: nobody else begins one of the same dead letter meanwhile. The number of the replay; undefined when it may not be. */
export async function beginReplay(
  pool: Pool,
  letter: Coordinates,
  action: OperatorAction,
): Promise<number | undefined> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{ replays: number }>(
      `update dead_letter set state = ${REPLAYING}, state_time = now(), operator_id = $4, replays = replays + 1,
         version = version + 1, update_time = now()
       where ${AT} and ${REPLAYABLE} returning replays`,
      [letter.topic, letter.partition, letter.offset, action.userId],
    );
    if (rows[0]) await writeAction(db, action);
    return rows[0]?.replays;
  });
}

/** The broker has it. A failure of the copy may have been indexed before this, and stands. */
export async function endReplay(pool: Pool, letter: Coordinates, replay: number): Promise<void> {
  await changeState(pool, letter, replay, REPLAYED);
}

/** The broker may not have it. */
export async function giveUpReplay(pool: Pool, letter: Coordinates, replay: number): Promise<void> {
  await changeState(pool, letter, replay, OPEN);
}

async function changeState(pool: Pool, letter: Coordinates, replay: number, state: DeadLetterState): Promise<void> {
  await pool.query(
    `update dead_letter set state = $5, state_time = now(), version = version + 1, update_time = now()
     where ${AT} and state = ${REPLAYING} and replays = $4`,
    [letter.topic, letter.partition, letter.offset, replay, state],
  );
}
