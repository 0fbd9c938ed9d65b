import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pace } from '../pace.ts';

const RATE = { count: 2, seconds: 1, burst: 5 };

function take(pace: Pace, now: number): boolean {
  if (pace.waitMs(now) > 0) return false;
  pace.spend(now);
  return true;
}

describe('a pace', () => {
  test('allows the burst at once, and then one event each interval', () => {
    const pace = new Pace(RATE);
    expect(Array.from({ length: 7 }, () => take(pace, 1_000))).toEqual([true, true, true, true, true, false, false]);
    expect(pace.waitMs(1_000)).toBe(500);
    expect([take(pace, 1_499), take(pace, 1_500), take(pace, 1_500)]).toEqual([false, true, false]);
  });

  test('the time to come back is true: not a moment earlier, and then at once', () => {
    fc.assert(
      fc.property(
        fc.record({
          count: fc.integer({ min: 1, max: 50 }),
          seconds: fc.integer({ min: 1, max: 60 }),
          burst: fc.integer({ min: 1, max: 20 }),
        }),
        fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 60 }),
        (rate, steps) => {
          const pace = new Pace(rate);
          let now = 0;
          for (const step of steps) {
            now += step;
            const wait = pace.waitMs(now);
            if (wait === 0) pace.spend(now);
            else {
              expect(pace.waitMs(now + wait * 0.99)).toBeGreaterThan(0);
              expect(pace.waitMs(now + Math.ceil(wait))).toBe(0);
            }
          }
        },
      ),
    );
  });

  test('S-57: has no window whose edge lets twice as many pass', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 20, maxLength: 100 }), (steps) => {
        const pace = new Pace(RATE);
        const allowed: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          if (take(pace, now)) allowed.push(now);
        }
        for (const begin of allowed) {
          const within = allowed.filter((at) => at >= begin && at < begin + 10_000);
          expect(within.length).toBeLessThanOrEqual(RATE.burst + 10 * RATE.count);
        }
      }),
    );
  });

  test('what is given back can be had again, and is no more than what was spent', () => {
    const pace = new Pace(RATE);
    for (let i = 0; i < 5; i++) pace.spend(0);
    pace.giveBack(0);
    expect([take(pace, 0), take(pace, 0)]).toEqual([true, false]);
    for (let i = 0; i < 50; i++) pace.giveBack(0);
    expect(pace.waitMs(0, 5)).toBe(0);
    expect(pace.waitMs(0, 6)).toBeGreaterThan(0);
  });

  test('events that somebody else allowed never count for more than the burst', () => {
    const pace = new Pace(RATE);
    for (let i = 0; i < 1_000; i++) pace.spend(0);
    expect(pace.waitMs(0)).toBe(500);
  });
});
