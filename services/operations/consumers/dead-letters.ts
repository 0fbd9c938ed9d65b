import { isDatabaseUnavailable } from '@realchat/db';
import { type DeadLetter, decodeDeadLetter, type EventRecord, PoisonError, type Verdict } from '@realchat/eventlog';
import type { OperationsContext } from '../context.ts';
import { indexLetter } from '../db/index-letter.ts';

/** Takes one record of a `.dlq` topic into the index. May be run again with the same record. */
export async function takeDeadLetter({ pool, events }: OperationsContext, record: EventRecord): Promise<void> {
  const letter = decode(record);
  // There is no dead letter of a dead letter: what is none is counted, and stays in the topic.
  if (!letter) return events.letterUnreadable(record);
  events.letterIndexed(letter, await indexLetter(pool, letter, record.offset));
}

/** The database being away is no fault of a record: it waits. */
export function classifyFailure(error: unknown): Verdict {
  return isDatabaseUnavailable(error) ? 'dependency' : 'unknown';
}

function decode(record: EventRecord): DeadLetter | undefined {
  try {
    return decodeDeadLetter(record);
  } catch (error) {
    if (error instanceof PoisonError) return undefined;
    throw error;
  }
}
