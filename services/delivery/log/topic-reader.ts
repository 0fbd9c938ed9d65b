import { decodeConversationRecord, type EventRecord, PoisonError } from '@realchat/eventlog';
import type { NodeLog } from '../domain/node-log.ts';
import type { Offer } from '../domain/shard-tail.ts';
import { entryOfRecord } from './entries.ts';
import { createTimeSlice } from './time-slice.ts';

interface Options {
  log: NodeLog<EventRecord>;
  /** Sets a record aside; resolves with the ack of the broker. */
  deadLetter: (record: EventRecord, error: PoisonError) => Promise<void>;
  /** A shard has a gap. */
  onBehind: (shard: number) => void;
  /** Records that the node had already. */
  onKnown: (count: number) => void;
}

/**
 * Takes a run of records of one partition. What cannot be read is set aside before the node goes on, and leaves a hole
 * that is found by position and filled from the database. Rejects when it could not be set aside: the run is to come
 * again, and what of it was applied is known by then.
 */
export async function takeRecords(options: Options, records: readonly EventRecord[]): Promise<void> {
  const { log } = options;
  // Nobody knows yet where the log stands. It will be read from there, these records with it.
  if (!log.known) return;
  const slice = createTimeSlice();
  let known = 0;
  try {
    for (const record of records) {
      try {
        if (takeRecord(log, record) === 'known') known++;
      } catch (error) {
        if (!(error instanceof PoisonError)) throw error;
        await options.deadLetter(record, error);
      }
      if (slice.over()) await slice.rest();
    }
  } finally {
    if (known > 0) options.onKnown(known);
    const shard = records[0]?.partition;
    if (shard !== undefined && log.tail(shard)?.behind) options.onBehind(shard);
  }
}

function takeRecord(log: NodeLog<EventRecord>, record: EventRecord): Offer {
  const decoded = decodeConversationRecord(record);
  const tail = log.tail(decoded.shard);
  if (!tail) throw new PoisonError('UNKNOWN_SHARD', 'the log has no shard of this number');
  // A repeat is looked at as well: poison is poison, even where the database was faster.
  return tail.offer(entryOfRecord(decoded, Number(record.offset)), record);
}
