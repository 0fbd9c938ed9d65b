const DEFAULT_INTERVAL_MS = 15_000;

/** Aborts its signal when a stream was silent for twice as long as the server lets it be. */
export class Silence {
  readonly #aborter = new AbortController();
  #intervalMs = DEFAULT_INTERVAL_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;

  constructor() {
    this.#listen();
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Something came. @param intervalMs the longest silence from now on, when a heartbeat told it. */
  broken(intervalMs?: number): void {
    if (intervalMs) this.#intervalMs = intervalMs;
    this.#listen();
  }

  /** Looks by the wall clock: timers stand still while a machine sleeps. */
  check(): void {
    if (Date.now() - this.#heardAt > 2 * this.#intervalMs) this.#aborter.abort();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #listen(): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#aborter.abort(), 2 * this.#intervalMs);
  }
}
