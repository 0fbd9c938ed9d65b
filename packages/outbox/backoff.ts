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
