import type { Route } from '../public-services.ts';

const UNARY_DEFAULT_MS = 15_000;
const UNARY_MOST_MS = 60_000;
/** Above this, about 24 days, no timer holds: it is as good as no deadline. */
const LONGEST_MS = 2 ** 31 - 1;

/** When a call must be over, in milliseconds since the epoch: unary calls always have an end, streams only if asked for. */
export function deadlineOf({ unary }: Route, timeoutMs: number | undefined): number {
  const bounded = unary ? Math.min(timeoutMs ?? UNARY_DEFAULT_MS, UNARY_MOST_MS) : timeoutMs;
  return bounded === undefined || bounded > LONGEST_MS ? Number.POSITIVE_INFINITY : Date.now() + bounded;
}
