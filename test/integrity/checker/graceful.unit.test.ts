import { expect, test } from 'vitest';
import type { Answer } from '../history/history.ts';
import { ackedSend, broken, deviceOf, goodHistory } from './good-history.ts';
import { graceful } from './graceful.ts';

type Try = [from: number, to: number, kind: 'ok' | 'unknown'];

/** What is said of a message that was called for so, in milliseconds from the restart on; anything later has its place after it. */
function judge(...tries: Try[]): string[] {
  const history = goodHistory();
  const [fault] = history.faults;
  if (!fault) throw new Error('nothing was restarted');
  fault.healedAt = fault.from + 100;
  const send = ackedSend(history);
  send.calls = tries.map(([from, to, kind]) => {
    const at = fault.from + to;
    const answer: Answer = kind === 'ok' ? { kind, at, seq: 1, messageId: 'm' } : { kind, at, reason: 'UNAVAILABLE' };
    return { from: fault.from + from, answer };
  });
  send.answers = send.calls.flatMap(({ answer }) => answer ?? []);
  return [...graceful.holds(history)].map(({ text }) => text.slice(text.indexOf(send.key)));
}

const says = (what: string) => [expect.stringMatching(`${what}$`)];

test('one retry is enough for each call of a message that is sent twice at the same time', () => {
  expect(judge([1, 10, 'unknown'], [1, 12, 'unknown'], [20, 30, 'ok'], [22, 32, 'ok'])).toEqual([]);
  expect(judge([1, 10, 'unknown'], [1, 40, 'ok'], [20, 30, 'ok'])).toEqual([]);
});

test('the same again after its answer is another chain of tries', () => {
  expect(judge([1, 10, 'unknown'], [20, 30, 'ok'], [31, 40, 'unknown'], [50, 60, 'ok'])).toEqual([]);
});

test('two failures in a row are one too many, also beside another call that went well', () => {
  const twice = [
    [1, 10, 'unknown'],
    [20, 30, 'unknown'],
    [50, 60, 'ok'],
  ] satisfies Try[];
  expect(judge(...twice)).toEqual(says('needed 2 retries'));
  expect(judge(...twice, [1, 40, 'ok'])).toEqual(says('needed 2 retries'));
  expect(judge(...twice, [1, 12, 'unknown'], [22, 32, 'ok'])).toEqual(says('needed 2 retries'));
});

test('a call that failed is not made good by the other one', () => {
  expect(judge([1, 10, 'unknown'], [1, 12, 'ok'])).toEqual(says('failed and was not tried again'));
  expect(judge([1, 10, 'unknown'], [1, 12, 'unknown'], [20, 30, 'ok'])).toEqual(says('failed and was not tried again'));
});

test('failures before and after the restart are not its own', () => {
  expect(judge([-20, -10, 'unknown'], [1, 10, 'unknown'], [20, 30, 'ok'])).toEqual([]);
  expect(judge([1, 10, 'unknown'], [20, 110, 'unknown'], [120, 130, 'ok'])).toEqual([]);
});

test.each([
  [4_900, []],
  [5_100, [expect.stringMatching('was not live again 5 s later$')]],
])('a stream that a restart ended is live again within 5 s: after %s ms', (ms, expected) => {
  const history = goodHistory();
  const [fault] = history.faults;
  if (!fault) throw new Error('nothing was restarted');
  const device = deviceOf(history);
  device.closes.push({ at: fault.from + 1, code: '1012' });
  device.lives.push(fault.from + 1 + ms);
  expect([...graceful.holds(history)].map(({ text }) => text)).toEqual(expected);
});

test.each([
  ['UNAVAILABLE DRAINING RetryInfo', []],
  ['UNAVAILABLE RetryInfo', []],
  ['1012', []],
  ['UNAUTHENTICATED TOKEN_EXPIRED', []],
  ['UNAVAILABLE DRAINING', [expect.stringMatching('ended with UNAVAILABLE DRAINING$')]],
  ['UNAVAILABLE', [expect.stringMatching('ended with UNAVAILABLE$')]],
  ['1006', [expect.stringMatching('ended with 1006$')]],
])('a stream that a restart ends is told when to come again: %s', (code, expected) => {
  const history = goodHistory();
  const [fault] = history.faults;
  if (!fault) throw new Error('nothing was restarted');
  const device = deviceOf(history);
  device.closes.push({ at: fault.from + 1, code });
  device.lives.push(fault.from + 2);
  expect([...graceful.holds(history)].map(({ text }) => text)).toEqual(expected);
});

test('and nothing of it is held against a good history', () => {
  expect(broken(goodHistory())).toEqual([]);
});
