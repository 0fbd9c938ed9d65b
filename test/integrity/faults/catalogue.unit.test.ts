import { expect, test } from 'vitest';
import { absentHere, catalogue, faultsOf, leftOutOf } from './catalogue.ts';
import { notRun } from './not-run.ts';

const ids = (of: readonly { id: string }[]) => of.map(({ id }) => id);
const absent = new Set(ids(absentHere()));

test('a kind is all of its faults that can be run, though there are others which no run has', () => {
  for (const kind of ['F-04', 'F-12', 'F-17', 'F-25']) {
    const own = ids(catalogue).filter((id) => id === kind || id.startsWith(`${kind}-`));
    expect(ids(faultsOf([kind]))).toEqual(own);
  }
});

test.each(notRun)('$id is in no run, and whoever asks for it is told why', ({ id, reason }) => {
  expect(ids(catalogue)).not.toContain(id);
  expect(() => faultsOf([id])).toThrow(`${id}, `);
  expect(leftOutOf(['all'])).toContainEqual({ id, reason });
});

test('all are those of the usual mesh that this machine can have, and the others are said to be left out', () => {
  const all = faultsOf(['all']);
  expect(all.filter(({ engines }) => engines)).toEqual([]);
  expect(new Set([...ids(all), ...ids(leftOutOf(['all']))])).toEqual(new Set([...ids(catalogue), ...ids(notRun)]));
  expect(ids(all).filter((id) => absent.has(id))).toEqual([]);
});

test('a fault that there is not is refused', () => {
  expect(() => faultsOf(['F-99'])).toThrow('there is no fault F-99');
});
