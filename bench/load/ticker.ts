import { Worker } from 'node:worker_threads';

/** What the ticker's thread is told. */
export interface TickerData {
  start: number;
  intervalMs: number;
  /** [stopped, a tick waits for the main thread] */
  state: Int32Array<SharedArrayBuffer>;
}

/** Calls back at `start + n * intervalMs`, as exactly as the machine can, until it is stopped. */
export function startTicker(start: number, intervalMs: number, tick: () => void): { stop: () => Promise<void> } {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const workerData: TickerData = { start, intervalMs, state };
  const worker = new Worker(new URL('./ticker-worker.ts', import.meta.url), { workerData });
  worker.on('message', () => {
    Atomics.store(state, 1, 0);
    tick();
  });
  return {
    stop: async () => {
      Atomics.store(state, 0, 1);
      Atomics.notify(state, 0);
      await worker.terminate();
    },
  };
}
