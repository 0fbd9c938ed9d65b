import type { Classify } from './errors.ts';
import type { EventRecord } from './records.ts';

/** What a handler is told besides its records. */
export interface HandlerContext {
  /** Aborted when the partition is taken away or the reader stops: finish soon, or give up and leave it to the next reader. */
  signal: AbortSignal;
  /** 1 at the first try of these records. */
  attempt: number;
}

interface Common {
  /** The members of a group share the partitions; the broker keeps the group's offsets. Names the reader in logs and metrics, too. */
  group: string;
  topic: string;
  /** Where a group starts that has no offset yet. Default `earliest`. */
  from?: 'latest' | 'earliest';
  /** Sorts errors that are neither PoisonError nor DependencyError. */
  classify?: Classify;
  /** How often a record with an unknown error is tried before it is dead-lettered. Default 5. */
  maxAttempts?: number;
  /**
   * For a reader in no hurry: how long records wait at the broker for others to come along, in milliseconds, below 2,000.
   * Default 0: each is handed out at once. A reader that is behind never waits.
   */
  gatherMs?: number;
  /** How many partitions are worked on at once. Default 4. */
  concurrency?: number;
  /** How long a stop waits for handlers in flight, in milliseconds. Default 10,000. */
  stopTimeoutMs?: number;
  /** The limits of the waiting time between tries, in milliseconds. Default 100 and 10,000. */
  retry?: { minMs: number; maxMs: number };
}

/**
 * A handler gets the records of a partition in order, and each at least once: again after a crash, a rebalance or an error.
 * With `eachBatch`, a batch that fails with something else than a missing dependency is tried again record by record.
 */
export type ConsumeOptions = Common &
  (
    | { eachRecord: (record: EventRecord, context: HandlerContext) => Promise<void> }
    | { eachBatch: (records: EventRecord[], context: HandlerContext) => Promise<void> }
  );

/** A member of a group. */
export interface GroupReader {
  readonly connected: boolean;
  /** Waits for the handlers in flight, commits what they did, leaves the group, disconnects. */
  stop(): Promise<void>;
}
