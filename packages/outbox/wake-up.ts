/** One waits, others wake. A wake-up that comes while nobody waits ends the next wait at once. */
export interface WakeUp {
  wake(): void;
  /** Waits until woken, at most so many milliseconds. */
  wait(ms: number): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let woken = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      woken = true;
      resume?.();
    },
    wait(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(done, woken ? 0 : ms);
        function done() {
          clearTimeout(timer);
          woken = false;
          resume = undefined;
          resolve();
        }
        if (woken) done();
        else resume = done;
      });
    },
  };
}
