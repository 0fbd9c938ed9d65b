import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeqRanges } from './seq-ranges.ts';

const seq = fc.bigInt({ min: 1n, max: 40n });

describe('SeqRanges', () => {
  it('holds exactly what was added, in whatever order and overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(seq, seq), { maxLength: 12 }), (stretches) => {
        const ranges = new SeqRanges();
        const model = new Set<bigint>();
        for (const [from, to] of stretches) {
          ranges.add(from, to);
          for (let each = from; each <= to; each++) model.add(each);
        }
        for (let each = 0n; each <= 41n; each++) {
          expect(ranges.has(each)).toBe(model.has(each));
          let end = each - 1n;
          while (model.has(end + 1n)) end++;
          expect(ranges.endFrom(each)).toBe(end);
        }
        expect(ranges.last).toBe([...model].reduce((a, b) => (a > b ? a : b), 0n));
      }),
    );
  });

  it('forgets what is before a seq and nothing else', () => {
    const ranges = new SeqRanges();
    ranges.add(1n, 3n);
    ranges.add(5n, 9n);
    ranges.dropBefore(7n);
    expect([3n, 6n, 7n, 9n, 10n].map((each) => ranges.has(each))).toEqual([false, false, true, true, false]);
    expect(ranges.last).toBe(9n);
  });
});
