const FIRST_MS = 500;
const MOST_MS = 20_000;

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
