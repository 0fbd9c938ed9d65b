const FIRST_MS = 500;
/** However long something was away, everything is to be seen within 10 s of its return: the longest wait leaves 2 s for the rest. */
const MOST_MS = 8_000;

/**
 * How long to wait before another try, in milliseconds: at random between 0 and a bound that doubles with each try, so
 * that many clients that lost the same server do not come back at the same moment. Never less than the server asked for.
 *
 * @param failures how many tries have failed in a row, from 1
 */
export function backoffMs(failures: number, askedMs = 0, random: () => number = Math.random): number {
  const bound = Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1));
  return askedMs + random() * bound;
}

const READ_AGAIN_FAILURES = 4;

/** As `backoffMs`, for reading what was missed: 4 s at most, since there may be much to read in the rest of those 10 s. */
export function readAgainMs(failures: number, { retryAfterMs }: { retryAfterMs: number }): number {
  return backoffMs(Math.min(failures, READ_AGAIN_FAILURES), retryAfterMs);
}
