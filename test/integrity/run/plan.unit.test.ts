import { expect, test } from 'vitest';
import type { Fault } from '../faults/field.ts';
import { chooseFaults, makePlan } from './plan.ts';
import { randomFrom } from './random.ts';

const faults = Array.from(
  { length: 40 },
  (_, i): Fault => ({
    id: `F-${i}`,
    title: '',
    run: async () => ({ bit: true, proof: '' }),
  }),
);
const ids = (chosen: readonly Fault[]) => chosen.map(({ id }) => id);

test('a random schedule follows from its seed, fits into its time, and is another one for the next seed', () => {
  const choose = (seed: number) => ids(chooseFaults(faults, 3, randomFrom(seed)));
  expect(choose(7)).toEqual(choose(7));
  expect(new Set(choose(7)).size).toBe(6);
  const firsts = new Set(Array.from({ length: 20 }, (_, seed) => choose(seed + 1)[0]));
  expect(firsts.size, 'first faults of 20 seeds in a row').toBeGreaterThan(10);
});

test('a schedule that is longer than there are faults has each as often as each other, and once what cannot be undone', () => {
  const [first, ...others] = faults.slice(0, 6) as [Fault, ...Fault[]];
  const chosen = ids(chooseFaults([{ ...first, forGood: true }, ...others], 60, randomFrom(7)));
  expect(chosen).toHaveLength(120);
  const counts = others.map(({ id }) => chosen.filter((each) => each === id).length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  expect(chosen.filter((id) => id === first.id)).toHaveLength(1);
});

test('every fault has its turn once at least, and lasts its share of the time or as long as is said', () => {
  const three = faults.slice(0, 3);
  const plan = makePlan(three, { minutes: 1, warmUp: 5 }, randomFrom(7));
  expect(ids(plan.faults).toSorted()).toEqual(ids(three));
  expect(plan).toMatchObject({ warmUpMs: 5_000, lastsMs: 60_000 / 9 });
  expect(makePlan(three, { minutes: 1, warmUp: 5, lasts: 120 }, randomFrom(7)).lastsMs).toBe(120_000);
});

test('what cannot be undone has one turn, the last, however often the others have theirs', () => {
  const [first, second] = faults as [Fault, Fault];
  for (let seed = 1; seed <= 10; seed++) {
    const plan = makePlan(
      [{ ...first, forGood: true }, second],
      { minutes: 5, warmUp: 5, lasts: 10 },
      randomFrom(seed),
    );
    expect(ids(plan.faults)).toEqual([...Array(plan.faults.length - 1).fill('F-1'), 'F-0']);
    expect(plan.faults.length).toBeGreaterThan(2);
  }
});
