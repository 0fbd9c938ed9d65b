import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchForWaking } from './wake-signals.ts';

let woken: number;
let left: number;
let over: AbortController;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  woken = 0;
  left = 0;
  over = new AbortController();
});

afterEach(() => {
  over.abort();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const watch = () => watchForWaking({ woken: () => void woken++, leaving: () => void left++ }, over.signal);

test('a clock that is further than a timer says tells of a sleep, and an ordinary delay does not', () => {
  watch();
  vi.advanceTimersByTime(60_000);
  vi.setSystemTime(Date.now() + 4_000);
  vi.advanceTimersByTime(10_000);
  expect(woken).toBe(0);
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(woken).toBe(1);
  over.abort();
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(woken).toBe(1);
});

test('a page wakes when the network comes or goes, when it is thawed, and when it is looked at, not when it is left', () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const window = new EventTarget();
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  watch();
  for (const name of ['offline', 'online']) window.dispatchEvent(new Event(name));
  page.dispatchEvent(new Event('resume'));
  page.dispatchEvent(new Event('visibilitychange'));
  expect(woken).toBe(4);
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  window.dispatchEvent(new Event('pagehide'));
  expect([woken, left]).toEqual([4, 2]);
});
