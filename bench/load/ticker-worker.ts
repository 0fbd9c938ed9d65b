import { parentPort, workerData } from 'node:worker_threads';
import { now } from './clock.ts';
import type { TickerData } from './ticker.ts';

// Sleeps to within a tenth of a millisecond, which timers of the event loop cannot, and wakes the main thread.

const { start, intervalMs, state } = workerData as TickerData;
const STOPPED = 0;
const WAITING = 1;

for (let next = start; Atomics.load(state, STOPPED) === 0; ) {
  const left = next - now();
  if (left > 0) {
    Atomics.wait(state, STOPPED, 0, left);
    continue;
  }
  // A main thread that is behind needs no second call.
  if (Atomics.exchange(state, WAITING, 1) === 0) parentPort?.postMessage(0);
  next += intervalMs * Math.max(1, Math.ceil(-left / intervalMs));
}
