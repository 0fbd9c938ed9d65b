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
  #stopped = false;
  // When the peer must have answered; not set while it is not asked.
  #answerDue: number | undefined;
  #heardSinceAsked = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#wait(options.intervalMs);
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#heardSinceAsked = true;
  }

  /** Asks the peer at once, as after a sleep. It has so many milliseconds to answer. */
  probe(timeoutMs: number): void {
    if (this.#stopped || (this.#answerDue !== undefined && this.#answerDue <= performance.now() + timeoutMs)) return;
    clearTimeout(this.#timer);
    this.#ask(timeoutMs);
  }

  stop(): void {
    this.#stopped = true;
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
    this.#ask(this.#options.timeoutMs);
  }

  #ask(timeoutMs: number): void {
    this.#answerDue = performance.now() + timeoutMs;
    this.#heardSinceAsked = false;
    this.#options.ping();
    this.#timer = setTimeout(() => {
      this.#answerDue = undefined;
      if (this.#heardSinceAsked) this.#check();
      else this.#options.dead();
    }, timeoutMs);
  }
}
