const FIRST_MS = 100;
const MOST_MS = 5000;
const CALM_MS = 30_000;

/**
 * How long to wait before the next restart. A process that has lived for a while is started again almost at once; one that
 * keeps dying waits twice as long each time.
 */
export function nextDelay(previousMs: number | undefined, livedMs: number): number {
  if (previousMs === undefined || livedMs >= CALM_MS) return FIRST_MS;
  return Math.min(previousMs * 2, MOST_MS);
}
