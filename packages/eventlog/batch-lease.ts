import type { EachBatchPayload } from 'kafkajs';
import type { Incarnation } from './consumer-loop.ts';

const HEARTBEAT_MS = 1_000;

/** The right to work on a batch: it lasts as long as the group knows this member. */
export interface BatchLease {
  /** Aborted when the right is lost. */
  signal: AbortSignal;
  held(): boolean;
  release(): void;
}

/** Keeps the membership alive while a handler works, and tells when it is lost. */
export function holdBatch(incarnation: Incarnation, payload: EachBatchPayload): BatchLease {
  const lost = new AbortController();
  const timer = setInterval(() => {
    if (!incarnation.current) lost.abort();
    // kafkajs sends one only when its interval is over.
    else payload.heartbeat().catch(() => lost.abort());
  }, HEARTBEAT_MS);
  return {
    signal: lost.signal,
    held: () => incarnation.current && !lost.signal.aborted && !payload.isStale(),
    release: () => clearInterval(timer),
  };
}
