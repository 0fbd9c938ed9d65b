/** Waiting that can be cut short for all who wait, because there is reason to believe that trying again will work now. */
export class Pause {
  readonly #waiting = new Set<() => void>();

  /** Resolves after `ms` milliseconds, at the next `wake()`, or when the signal is aborted. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }

  wake(): void {
    for (const done of this.#waiting) done();
  }
}
