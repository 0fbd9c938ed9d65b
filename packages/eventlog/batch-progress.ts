import { setTimeout as delay } from 'node:timers/promises';
import type { EachBatchPayload } from 'kafkajs';
import type { BatchLease } from './batch-lease.ts';

/** What of a batch is done, and the commit of it. */
export interface BatchProgress {
  /** The effects of all records up to this offset are there. */
  done(offset: string): void;
  /** The last offset that is done. */
  last(): bigint;
  /** How long the last commit is ago, in milliseconds. */
  sinceCommitMs(): number;
  /** Commits what is done. Rejects when the broker does not take it: the records come again. */
  commit(): Promise<void>;
}

const COMMIT_TRIES = 5;
const COMMIT_RETRY_MS = 200;

export function createBatchProgress(payload: EachBatchPayload, lease: BatchLease): BatchProgress {
  const { topic, partition } = payload.batch;
  let done = BigInt(payload.batch.firstOffset() ?? 0) - 1n;
  let committed = done;
  let committedAt = performance.now();
  return {
    done(offset) {
      done = BigInt(offset);
      payload.resolveOffset(offset);
    },
    last: () => done,
    sinceCommitMs: () => performance.now() - committedAt,
    async commit() {
      for (let attempt = 1; committed < done && lease.held(); attempt += 1) {
        const offset = done + 1n;
        try {
          await payload.commitOffsetsIfNecessary({
            topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
          });
          committed = offset - 1n;
          committedAt = performance.now();
        } catch (error) {
          if (attempt === COMMIT_TRIES || !mayHelp(error)) throw error;
          await delay(COMMIT_RETRY_MS * attempt);
        }
      }
    },
  };
}

/** False when the group has moved on without this member. */
function mayHelp(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true;
}
