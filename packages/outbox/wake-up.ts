/** One waits, others wake. A wake-up that comes while nobody waits ends the next wait at once. */
export interface WakeUp {
  wake(): void;
  /** Waits until woken, at most so many milliseconds; true when woken. */
  wait(ms: number): Promise<boolean>;
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
        const done = (): void => {
          clearTimeout(timer);
          const wasWoken = woken;
          woken = false;
          resume = undefined;
          resolve(wasWoken);
        };
        const timer = setTimeout(done, ms);
        if (woken) done();
        else resume = done;
      });
    },
  };
}
