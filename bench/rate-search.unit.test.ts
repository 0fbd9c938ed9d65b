import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateSearch } from './rate-search.ts';

function search(first: number, capacity: number): { highest: number; tried: number[] } {
  const rates = new RateSearch(first);
  const tried: number[] = [];
  for (let rate = rates.next; rate !== undefined; rate = rates.next) {
    tried.push(rate);
    rates.tell(rate <= capacity);
  }
  return { highest: rates.highest, tried };
}

describe('the search for the highest rate', () => {
  test('comes within 10 % of any capacity, from any start, in at most 14 runs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 20_000 }), fc.integer({ min: 200, max: 5_000 }), (capacity, first) => {
        const { highest, tried } = search(first, capacity);
        expect(highest).toBeLessThanOrEqual(capacity);
        expect(highest).toBeGreaterThan(capacity / 1.1 - 10);
        expect(tried.length).toBeLessThanOrEqual(14);
      }),
    );
  });

  test('ends with nothing when no rate is kept', () => {
    expect(search(500, 0).highest).toBe(0);
  });

  test('needs few runs when it starts close', () => {
    expect(search(1000, 1100).tried.length).toBeLessThanOrEqual(6);
  });
});
