import { historyOf, type RecordFetcher } from '@realchat/eventlog';
import { ReplayOrder } from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { StoredLetter } from '../db/letter-row.ts';

/** Tells of dead letters of one partition whether records of their key follow them. */
export type OrderOf = (letter: StoredLetter) => ReplayOrder;

const MOST_RECORDS = 20_000;

/**
 * Looks through a partition from the first of some dead letters on, so far and no further. Those that are `dead` have not been
 * handled either, and copies of replayed ones count where they stood first.
 */
export async function lookBehind(
  fetcher: RecordFetcher,
  letters: readonly StoredLetter[],
  dead: ReadonlySet<bigint>,
): Promise<OrderOf> {
  const [first] = letters;
  if (!first) return () => ReplayOrder.UNSPECIFIED;
  const newest = new Map<string, bigint>();
  for (const { key } of letters) if (key) newest.set(text(key), -1n);
  let next = first.offset + 1n;
  let seen = 0;
  let complete = newest.size === 0;
  while (!complete && seen < MOST_RECORDS) {
    const records = await fetcher.from(first.topic, first.partition, next);
    for (const record of records) {
      const offset = historyOf(record)?.offset ?? record.offset;
      const key = record.key && text(record.key);
      const known = key === null ? undefined : newest.get(key);
      if (key !== null && known !== undefined && offset > known && !dead.has(offset)) newest.set(key, offset);
    }
    seen += records.length;
    complete = records.length === 0;
    next = (records.at(-1)?.offset ?? next) + 1n;
  }
  return ({ key, offset }) => {
    if (!key) return ReplayOrder.NO_KEY;
    if ((newest.get(text(key)) ?? -1n) > offset) return ReplayOrder.OVERTAKEN;
    return complete ? ReplayOrder.KEPT : ReplayOrder.NOT_KNOWN;
  };
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
