import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

describe('a histogram', () => {
  test('answers every quantile of any values to within 1 %', () => {
    const values = fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 0.999, 1), (micros, share) => {
        const histogram = new Histogram();
        for (const value of micros) histogram.record(value / 1000);
        const sorted = micros.toSorted((a, b) => a - b);
        const exact = (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1000;
        const answer = histogram.quantile(share);
        expect(answer).toBeGreaterThanOrEqual(exact);
        expect(answer).toBeLessThanOrEqual(exact * 1.01 + 0.001);
      }),
    );
  });

  test('does not lose one slow value among a million', () => {
    const histogram = new Histogram();
    for (let i = 0; i < 999_999; i++) histogram.record(0.1);
    histogram.record(30_000);
    expect(histogram.quantiles()).toEqual({ count: 1_000_000, p50: 0.1, p99: 0.1, p999: 0.1, max: 30_000 });
  });

  test('takes what is beyond its range at its ends', () => {
    const histogram = new Histogram();
    histogram.record(-3);
    histogram.record(1e12);
    expect(histogram.quantile(0.5)).toBe(0);
    expect(histogram.quantile(1)).toBeGreaterThan(2_000_000);
  });

  test('is zero while it is empty', () => {
    expect(new Histogram().quantiles()).toEqual({ count: 0, p50: 0, p99: 0, p999: 0, max: 0 });
  });
});
