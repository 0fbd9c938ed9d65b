import { expect, it } from 'vitest';
import { nextDelay } from './backoff.ts';

it('a first death is answered at once, repeated ones with longer and longer pauses up to a bound', () => {
  const delays: number[] = [];
  for (let previous: number | undefined, i = 0; i < 8; i++) delays.push((previous = nextDelay(previous, 10)));
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

it('a death after a long life counts as a first one', () => {
  expect(nextDelay(5000, 60_000)).toBe(100);
});
