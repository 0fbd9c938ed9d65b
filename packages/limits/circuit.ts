const FAILURES = 3;
const REST_MS = 1_000;

/** Stops asking who has failed a few times in a row; then one question a second finds out whether that is over. */
export class Circuit {
  #failures = 0;
  #askAgainAt = 0;

  /** Whether nobody is asked for now. */
  get open(): boolean {
    return this.#failures >= FAILURES;
  }

  /** Whether to ask. When that is a trial, it is the only one for a while. */
  mayAsk(now: number): boolean {
    if (!this.open) return true;
    if (now < this.#askAgainAt) return false;
    this.#askAgainAt = now + REST_MS;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(now: number): void {
    this.#failures += 1;
    if (this.#failures === FAILURES) this.#askAgainAt = now + REST_MS;
  }
}
