import { setTimeout as delay } from 'node:timers/promises';

/** One look of a balancer at the health of an instance, and what it does then: the edge looks every 0.8 to 1.2 s. */
const NOTICE_MS = 1_500;
/** For so long after a call there are callers. */
const CALM_AFTER_MS = 1_000;

/** Who calls a process right now, so that one that stops waits for its callers to go elsewhere only if it has any. */
export class Traffic {
  #open = 0;
  #lastBegun = Number.NEGATIVE_INFINITY;

  /** A call begins; call the result when it is over. */
  begin(): () => void {
    this.#open++;
    this.#lastBegun = performance.now();
    let over = false;
    return () => {
      if (!over) this.#open--;
      over = true;
    };
  }

  /** Whether a call is open, or was made a moment ago. */
  get busy(): boolean {
    return this.#open > 0 || performance.now() - this.#lastBegun < CALM_AFTER_MS;
  }

  /** Waits until balancers know that this process stops, which its health says by now; with no callers, not at all. */
  async notice(): Promise<void> {
    if (this.busy) await delay(NOTICE_MS);
  }
}
