import { setTimeout as delay } from 'node:timers/promises';

/** Waiting times that double up to a limit, with jitter, until something succeeds. */
export interface Backoff {
  /** The next waiting time in milliseconds: between a half and the whole of the current step. */
  nextMs(): number;
  /** Starts over, after a success. */
  reset(): void;
}

export function createBackoff(limits: { minMs: number; maxMs: number }): Backoff {
  let step = limits.minMs;
  return {
    nextMs() {
      const waitMs = step * (0.5 + Math.random() / 2);
      step = Math.min(step * 2, limits.maxMs);
      return waitMs;
    },
    reset() {
      step = limits.minMs;
    },
  };
}

/** Waits; returns early, and without an error, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** Waits for a promise at most so long; false when the time was up. The promise's own rejection comes through. */
export function settledWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, false);
    promise.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
