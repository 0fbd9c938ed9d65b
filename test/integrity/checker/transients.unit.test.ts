import { expect, test } from 'vitest';
import type { Device, History } from '../history/history.ts';
import { emptyHistory } from '../history/history.ts';
import { typing } from './good-history.ts';
import { strayTransients } from './transients.ts';

const conversation = 'c';
const never = Number.POSITIVE_INFINITY;

/** Ann was let in at 1,000, was told to be out at 5,000, and was let in again from 60,000 on. */
function comesAndGoes(observations: Device['observations']): History {
  const ann = { user: 'ann', conversation };
  const ben = { user: 'ben', conversation };
  return {
    ...emptyHistory(),
    devices: [device('a', 'ann', observations), device('b', 'ben', [])],
    joins: [
      { ...ben, from: 0 },
      { ...ann, from: 1_000 },
      { ...ann, from: 60_000 },
    ],
    leaves: [{ ...ann, at: 5_000, until: 60_000 }],
  };
}

function device(name: string, user: string, observations: Device['observations']): Device {
  return { device: name, user, observations, liveAt: 0, lives: [], closes: [], checkpoints: [], connected: true };
}

const changed = (at: number, seq: number, what: { left: string } | { joined: string[] }) =>
  ({ kind: 'push', at, event: { conversation, seq, ...what } }) as const;
const leave = changed(5_100, 7, { left: 'ann' });
const strays = (history: History) => [...strayTransients(history)].length;

test.each([
  ['before a call could have let them in', [typing(conversation, 990)], 1],
  ['while the call that lets them in is under way', [typing(conversation, 1_005)], 0],
  ['as a member', [typing(conversation, 3_000)], 0],
  ['after the leave was acked and before it was shown', [typing(conversation, 5_050), leave], 0],
  ['right after the leave was shown', [leave, typing(conversation, 5_100)], 1],
  ['of another conversation', [leave, typing('another', 5_100)], 1],
  ['when the leave was never shown, and not everyone may know', [typing(conversation, 14_000)], 0],
  ['when the leave was never shown, and everyone knows', [typing(conversation, 15_100)], 1],
  ['while the call that lets them in again is under way', [leave, typing(conversation, 60_005)], 0],
  [
    'as a member again, also when the leave is shown a second time',
    [leave, typing(conversation, 60_010), changed(60_020, 9, { joined: ['ann'] }), leave, typing(conversation, 61_000)],
    0,
  ],
])('a transient %s', (_when, observations, violations) => {
  expect(strays(comesAndGoes(observations))).toBe(violations);
});

test('who is let in again while being put out may be in', () => {
  const history = comesAndGoes([leave, typing(conversation, 5_200)]);
  history.joins.push({ user: 'ann', conversation, from: 4_900 });
  Object.assign(history.leaves[0] as object, { until: 4_900 });
  expect(strays(history)).toBe(0);
});

test('a leave has time until a fault that was under way has healed, and not longer', () => {
  const fault = { id: 'F-05', title: '', graceful: false, recordsTwice: 0, bit: true, proof: '' };
  const at = (told: number) => ({
    ...comesAndGoes([typing(conversation, told)]),
    faults: [{ ...fault, from: 4_000, healedAt: 30_000 }],
  });
  expect(strays(at(39_000))).toBe(0);
  expect(strays(at(41_000))).toBe(1);
});

test('presence is told to those who share a conversation, and that it is not known to anyone', () => {
  const told = (at: number, online: boolean | 'unknown'): History => ({
    ...comesAndGoes([]),
    presence: [{ at, viewer: 'a', user: 'ben', online }],
  });
  expect(strays(told(3_000, true))).toBe(0);
  expect(strays(told(20_000, false))).toBe(1);
  expect(strays(told(20_000, 'unknown'))).toBe(0);
});

test('members whose way in is not written down are no strangers', () => {
  const history = comesAndGoes([typing(conversation, 990)]);
  Object.assign(history, { joins: [], leaves: [], stints: [{ user: 'ann', conversation, joined: 1, left: never }] });
  expect(strays(history)).toBe(0);
});
