import type { Limit, LimitName, Rate } from './table.ts';

/** One count of one limit: whose, and how much it weighs. */
export interface Charge {
  readonly name: LimitName;
  readonly limit: Limit;
  /** Whom it counts for: an address, a user's id, the digest of an account's name. */
  readonly subject: string;
}

/** How far apart events are, in milliseconds, once the burst is used up. */
export function intervalMs({ count, seconds }: Rate): number {
  return (seconds * 1_000) / count;
}

/** Less than this is what sums of fractions leave over. */
const ROUNDING_MS = 0.001;

/**
 * What happened so far, as a time: when it would all have happened at an even pace. An event is allowed as long as that is not
 * further ahead than the burst (the generic cell rate algorithm). There is no window, so nothing doubles at its edge, and the
 * time to come back is exact.
 */
export class Pace {
  readonly #interval: number;
  readonly #ahead: number;
  #spent = 0;

  constructor(rate: Rate) {
    this.#interval = intervalMs(rate);
    this.#ahead = this.#interval * rate.burst;
  }

  /** How long until `weight` events are allowed, in milliseconds; 0 when they are. */
  waitMs(now: number, weight = 1): number {
    const wait = Math.max(this.#spent, now) + weight * this.#interval - this.#ahead - now;
    return wait < ROUNDING_MS ? 0 : wait;
  }

  /** Counts events, allowed or not; never more than the burst. */
  spend(now: number, weight = 1): void {
    this.#spent = Math.min(Math.max(this.#spent, now) + weight * this.#interval, now + this.#ahead);
  }

  giveBack(now: number): void {
    this.#spent = Math.max(now, this.#spent - this.#interval);
  }

  /** Nothing of it counts any more. */
  isOver(now: number): boolean {
    return this.#spent <= now;
  }
}
