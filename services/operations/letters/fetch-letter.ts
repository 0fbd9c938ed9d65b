import {
  type DeadLetter,
  deadLetterTopicOf,
  decodeDeadLetter,
  type EventRecord,
  PoisonError,
  type RecordFetcher,
  withoutHistory,
} from '@realchat/eventlog';
import type { StoredLetter } from '../db/letter-row.ts';

/**
 * The dead letter as the log keeps it; undefined when it does not any more. What was too large to be set aside whole is read
 * where it failed, as long as its topic keeps it.
 */
export async function fetchLetter(fetcher: RecordFetcher, stored: StoredLetter): Promise<DeadLetter | undefined> {
  const record = await fetcher.at(deadLetterTopicOf(stored.topic), 0, stored.dlqOffset);
  const letter = record && decoded(record);
  // A topic that was made anew has other records at the same offsets.
  if (letter?.topic !== stored.topic || letter.partition !== stored.partition || letter.offset !== stored.offset) {
    return undefined;
  }
  if (letter.valueIs !== 'left-out') return letter;
  const original = await fetcher.at(letter.topic, letter.partition, letter.failedOffset);
  if (!original) return letter;
  return {
    ...letter,
    key: original.key,
    value: original.value,
    headers: withoutHistory(original.headers),
    valueIs: 'whole',
  };
}

function decoded(record: EventRecord): DeadLetter | undefined {
  try {
    return decodeDeadLetter(record);
  } catch (error) {
    if (error instanceof PoisonError) return undefined;
    throw error;
  }
}
