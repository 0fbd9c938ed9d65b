/** Does something some time after it was called for, once for all calls meanwhile. */
export class Later {
  readonly #delayMs: number;
  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(delayMs: number, act: () => void) {
    this.#delayMs = delayMs;
    this.#act = act;
  }

  call(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#act();
    }, this.#delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
