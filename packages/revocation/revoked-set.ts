import { HELD_MS } from './held.ts';

/** Far more sessions than end in the time; beyond it, the oldest are forgotten first. */
const MOST = 1_000_000;

/** Session ids, each held for HELD_MS from when it came, by a clock that nobody sets: times are of performance.now(). */
export class RevokedSet {
  /** By id, when it may be forgotten. All are held equally long, so their order is that of their ends. */
  readonly #until = new Map<string, number>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  get size(): number {
    return this.#until.size;
  }

  has(sessionId: string): boolean {
    return this.#until.has(sessionId);
  }

  /** False when it was known. */
  add(sessionId: string, now = performance.now()): boolean {
    if (this.#until.has(sessionId)) return false;
    this.#until.set(sessionId, now + HELD_MS);
    if (this.#until.size > this.#most) this.#until.delete(this.#until.keys().next().value as string);
    return true;
  }

  /** Forgets those whose time is over. */
  prune(now = performance.now()): void {
    for (const [sessionId, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(sessionId);
    }
  }
}
