import { expect, test } from 'vitest';
import type { Device } from '../history/history.ts';
import { repeatsOf } from './repeats.ts';

const push = (at: number, seq: number) => ({ at, kind: 'push' as const, event: { conversation: 'c', seq } });
const device = (observations: Device['observations'], closes: number[], checkpoints: number[]): Device => ({
  device: 'd',
  user: 'ann',
  liveAt: 0,
  connected: true,
  observations,
  lives: [],
  checkpoints,
  closes: closes.map((at) => ({ at, code: 'UNAVAILABLE' })),
});
const before = [push(100, 1), push(200, 2), push(900, 3)];

test('what comes again after a break is what came since the newest checkpoint, and how much of the stream that was', () => {
  const resumed = device([...before, push(2_000, 2), push(2_001, 3), push(2_100, 4)], [1_000], [150]);
  expect(repeatsOf({ devices: [resumed] })).toEqual({ covered: 0, stretchMs: 700 });
});

test('what a checkpoint covers is not pushed again, nor anything within one stream', () => {
  const tooFarBack = device([...before, push(2_000, 1), push(2_001, 2)], [1_000], [150]);
  expect(repeatsOf({ devices: [tooFarBack] }).covered).toBe(1);
  const sameStream = device([...before, push(950, 3)], [], []);
  expect(repeatsOf({ devices: [sameStream] }).covered).toBe(1);
  const afterTheBreak = device([...before, push(1_100, 4), push(1_200, 4)], [1_000], []);
  expect(repeatsOf({ devices: [afterTheBreak] }).covered).toBe(1);
});

test('nothing that comes once is a repeat, however often the stream breaks', () => {
  const once = device([...before, push(1_500, 4)], [50, 1_000, 1_400], [150]);
  expect(repeatsOf({ devices: [once] })).toEqual({ covered: 0, stretchMs: undefined });
});

test('a stream that breaks again before it has caught up has a stretch of its own, and is not counted to the one before it', () => {
  const twice = [push(2_000, 2), push(2_001, 3), push(2_500, 4), push(4_000, 2), push(4_001, 3), push(4_002, 4)];
  const resumed = device([...before, ...twice], [1_000, 3_000], [150]);
  expect(repeatsOf({ devices: [resumed] })).toEqual({ covered: 0, stretchMs: 700 });
});
