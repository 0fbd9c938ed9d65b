import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 10;

/** How long one piece of work has held the event loop. */
export interface TimeSlice {
  /** True when others should have their turn. */
  over(): boolean;
  /** Lets them. */
  rest(): Promise<void>;
}

/** Starts a slice of 10 ms. */
export function createTimeSlice(): TimeSlice {
  let startedAt = performance.now();
  return {
    over: () => performance.now() - startedAt > SLICE_MS,
    async rest() {
      await nextTurn();
      startedAt = performance.now();
    },
  };
}
