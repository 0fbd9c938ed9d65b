import { afterEach, expect, test, vi } from 'vitest';
import { HELD_MS } from '../held.ts';
import { RevokedSet } from '../revoked-set.ts';

test('a session is held from when it came, however often it comes, and then forgotten', () => {
  const set = new RevokedSet();
  expect(set.add('a', 1_000)).toBe(true);
  expect(set.add('a', 5_000)).toBe(false);
  expect(set.add('b', 2_000)).toBe(true);
  set.prune(1_000 + HELD_MS - 1);
  expect([set.has('a'), set.has('b')]).toEqual([true, true]);
  set.prune(1_000 + HELD_MS);
  expect([set.has('a'), set.has('b')]).toEqual([false, true]);
  expect(set.add('a', 2_000 + HELD_MS)).toBe(true);
});

afterEach(() => void vi.useRealTimers());

test('a session is held although the clock of the machine is set an hour ahead', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const set = new RevokedSet();
  set.add('a');
  vi.setSystemTime(Date.now() + 3_600_000);
  set.prune();
  expect(set.has('a')).toBe(true);
});

test('S-25: a session is held for longer than any of its access tokens can be valid', () => {
  expect(HELD_MS).toBeGreaterThan((900 + 30) * 1_000);
});

test('of too many the oldest are forgotten', () => {
  const set = new RevokedSet(3);
  for (const id of ['a', 'b', 'c', 'd']) set.add(id);
  expect(set.size).toBe(3);
  expect([set.has('a'), set.has('d')]).toEqual([false, true]);
});
