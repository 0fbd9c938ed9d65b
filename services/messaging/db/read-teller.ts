import { setTimeout as delay } from 'node:timers/promises';
import type { Told } from './tell-reads.ts';

/** Makes events of read positions, soon after they were marked. */
export interface ReadTeller {
  start(): void;
  /** A position was marked. Returns at once. */
  wake(): void;
  stop(): Promise<void>;
}

/** What was marked by an instance that died is found so much later. */
const LOOK_EVERY_MS = 1_000;
// What is marked within it goes in one transaction: under load, each holds the locks of many shards.
const GAP_MS = 50;

/**
 * Tells in rounds, one at a time. `tell` does one; a round that fails is tried again, as the positions are stored. Any
 * number of instances may do this at once.
 */
export function createReadTeller(options: {
  tell: () => Promise<Told>;
  told: (round: Told) => void;
  failed: (error: unknown) => void;
}): ReadTeller {
  const stopping = new AbortController();
  let wakeUp: (() => void) | undefined;
  let woken = false;
  let running: Promise<void> | undefined;

  const rest = async (ms: number): Promise<void> => {
    if (woken || ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wakeUp = resolve;
    await promise;
    clearTimeout(timer);
    wakeUp = undefined;
  };

  const round = async (): Promise<number> => {
    woken = false;
    try {
      const told = await options.tell();
      if (told.count > 0) options.told(told);
      return Math.min(told.nextInMs ?? LOOK_EVERY_MS, LOOK_EVERY_MS);
    } catch (error) {
      options.failed(error);
      await delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
      return LOOK_EVERY_MS;
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const restMs = await round();
      await delay(GAP_MS, undefined, { signal: stopping.signal }).catch(() => {});
      await rest(restMs - GAP_MS);
    }
  };

  const wake = () => {
    woken = true;
    wakeUp?.();
  };

  return {
    start() {
      running = run();
    },
    wake,
    async stop() {
      stopping.abort();
      wake();
      await running;
    },
  };
}
