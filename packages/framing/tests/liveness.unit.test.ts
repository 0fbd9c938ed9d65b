import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterClose, defaultLiveness, Liveness } from '../index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const ping = vi.fn<() => void>();
  const dead = vi.fn<() => void>();
  return { liveness: new Liveness({ ...defaultLiveness, ping, dead }), ping, dead };
}

test('a silent peer is asked after 25 seconds and given up 10 seconds later, once', () => {
  const { ping, dead } = watched();
  vi.advanceTimersByTime(24_999);
  expect(ping).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(10_000);
  expect([ping.mock.calls.length, dead.mock.calls.length]).toEqual([1, 0]);
  vi.advanceTimersByTime(100_000);
  expect([ping.mock.calls.length, dead.mock.calls.length]).toEqual([1, 1]);
});

test('a peer that answers lives on', () => {
  const { liveness, ping, dead } = watched();
  ping.mockImplementation(() => void setTimeout(() => liveness.heard(), 9_000));
  vi.advanceTimersByTime(10 * 60_000);
  expect(ping.mock.calls.length).toBeGreaterThan(10);
  expect(dead).toHaveBeenCalledTimes(0);
  liveness.stop();
});

test('a peer that is looked for is asked at once and given up in so much time, however often it is looked for', () => {
  const { liveness, ping, dead } = watched();
  for (let second = 0; second < 3; second++) {
    liveness.probe(3_000);
    vi.advanceTimersByTime(999);
  }
  expect([ping.mock.calls.length, dead.mock.calls.length]).toEqual([1, 0]);
  vi.advanceTimersByTime(3);
  expect(dead).toHaveBeenCalledTimes(1);
  liveness.stop();
  liveness.probe(3_000);
  vi.advanceTimersByTime(60_000);
  expect([ping.mock.calls.length, dead.mock.calls.length]).toEqual([1, 1]);
});

test('a peer that answers when it is looked for lives on', () => {
  const { liveness, ping, dead } = watched();
  ping.mockImplementation(() => liveness.heard());
  for (let minute = 0; minute < 10; minute++) {
    liveness.probe(3_000);
    vi.advanceTimersByTime(60_000);
  }
  expect(dead).toHaveBeenCalledTimes(0);
  liveness.stop();
});

test('a peer that talks is not asked', () => {
  const { liveness, ping } = watched();
  for (let second = 0; second < 100; second++) {
    vi.advanceTimersByTime(1000);
    liveness.heard();
  }
  expect(ping).toHaveBeenCalledTimes(0);
  liveness.stop();
});

test.each([
  [1000, 'done'],
  [1006, 'reconnect'],
  [1012, 'reconnect'],
  [4008, 'reconnect'],
  [4401, 'authenticate'],
  [4400, 'give_up'],
  [4999, 'reconnect'],
])('after a close with %i a client knows what to do: %s', (code, after) => {
  expect(afterClose(code)).toBe(after);
});
