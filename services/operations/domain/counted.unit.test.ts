import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Counted, count } from './counted.ts';

test('whatever comes in whatever order, however often, each is counted once, and gaps are just what is missing', () => {
  const seqs = fc.array(fc.bigInt(1n, 40n), { maxLength: 200 });
  fc.assert(
    fc.property(seqs, (coming) => {
      let counted: Counted = { seq: 0n, gaps: [] };
      const times = new Map<bigint, number>();
      for (const seq of coming) {
        const next = count(counted, seq);
        if (!next) continue;
        counted = next;
        times.set(seq, (times.get(seq) ?? 0) + 1);
      }
      expect(times).toEqual(new Map(coming.map((seq) => [seq, 1])));
      const missing = counted.gaps.flatMap(({ from, to }) => range(from, to));
      expect(missing).toEqual(range(1n, counted.seq).filter((seq) => !times.has(seq)));
    }),
  );
});

function range(from: bigint, to: bigint): bigint[] {
  return Array.from({ length: Number(to - from) + 1 }, (_, index) => from + BigInt(index));
}
