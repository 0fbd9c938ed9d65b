/** How often to look whether the peer lives. */
export interface LivenessOptions {
  /** The silence after which the peer is asked, in milliseconds. */
  readonly intervalMs: number;
  /** How long it may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Asks the peer. */
  readonly ping: () => void;
  /** The peer has not answered. Called at most once. */
  readonly dead: () => void;
}

/** Both ends' default: well within the idle timeouts of proxies, and a dead peer is noticed within 35 seconds. */
export const defaultLiveness = { intervalMs: 25_000, timeoutMs: 10_000 };

/** Watches for a peer that has gone without a word. Whatever comes from it counts as a sign of life. */
export class Liveness {
  readonly #options: LivenessOptions;
  #heardAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#wait(options.intervalMs);
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(delayMs: number): void {
    this.#timer = setTimeout(() => this.#check(), delayMs);
  }

  #check(): void {
    const left = this.#heardAt + this.#options.intervalMs - performance.now();
    if (left > 0) {
      this.#wait(left);
      return;
    }
    const askedAt = performance.now();
    this.#options.ping();
    this.#timer = setTimeout(() => {
      if (this.#heardAt >= askedAt) this.#check();
      else this.#options.dead();
    }, this.#options.timeoutMs);
  }
}
