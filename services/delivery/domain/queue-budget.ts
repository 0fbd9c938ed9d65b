import type { Frame } from './frames.ts';

/** What one place in a session's queue costs besides the frame. */
const PLACE_BYTES = 16;

/** Bounds what all sessions' queues of a node hold together, in bytes. A frame that many of them hold counts once. */
export class QueueBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held at the moment. */
  get used(): number {
    return this.#used;
  }

  get exceeded(): boolean {
    return this.#used > this.#limit;
  }

  hold(frame: Frame): void {
    if (frame.holders++ === 0) this.#used += frame.size;
    this.#used += PLACE_BYTES;
  }

  release(frame: Frame): void {
    if (--frame.holders === 0) this.#used -= frame.size;
    this.#used -= PLACE_BYTES;
  }
}
