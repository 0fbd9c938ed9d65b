import { expect, test } from 'vitest';
import { emptyHistory, type History } from '../history/history.ts';
import { phasesOf, tellPhases } from './phases.ts';

test('each phase tells how long its own messages took: until their first ack, and until each device was first shown them; and what was shown twice', () => {
  const sends = [0, 1_000, 2_000].map((invokedAt, i): History['sends'][number] => ({
    user: 'ann',
    device: 'a',
    conversation: 'c',
    key: `k${i}`,
    hash: '',
    invokedAt,
    calls: [],
    answers: [
      { kind: 'unknown', at: invokedAt + 5, reason: 'UNAVAILABLE' },
      { kind: 'ok', at: invokedAt + 10 * (i + 1), seq: i + 1, messageId: `m${i}` },
    ],
  }));
  const push = (at: number, seq: number) => ({ at, kind: 'push' as const, event: { conversation: 'c', seq } });
  const device: History['devices'][number] = {
    device: 'b',
    user: 'ben',
    liveAt: 0,
    lives: [],
    closes: [],
    checkpoints: [],
    connected: true,
    observations: [push(30, 1), push(1_040, 2), push(1_900, 2), push(2_050, 3)],
  };
  const fault = {
    id: 'F-01',
    title: '',
    graceful: false,
    recordsTwice: 0,
    from: 900,
    healedAt: 1_500,
    bit: true,
    proof: '',
  };
  const phases = phasesOf({ ...emptyHistory(), sends, devices: [device], faults: [fault] });

  expect(phases.map(({ phase, ack, shown, twice }) => [phase, ack?.p99, shown?.worst, twice])).toEqual([
    ['before', 10, 30, 0],
    ['F-01', 20, 40, 0],
    ['after F-01', 30, 50, 1],
  ]);
  expect(tellPhases(phases)).toHaveLength(4);
});
