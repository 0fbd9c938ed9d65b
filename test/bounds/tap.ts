import type { Caller } from '../e2e/clients/caller.ts';

/** Has an application not take what its streams bring, as one that is stuck: while closed, nothing more is asked for. */
export class Tap {
  #opened = Promise.withResolvers<void>();

  constructor() {
    this.#opened.resolve();
  }

  close(): void {
    this.#opened = Promise.withResolvers<void>();
  }

  open(): void {
    this.#opened.resolve();
  }

  /** The caller with the tap before all of its streams. */
  on(caller: Caller): Caller {
    const opened = () => this.#opened.promise;
    return {
      ...caller,
      async *stream(method, request, options) {
        for await (const answer of caller.stream(method, request, options)) {
          await opened();
          yield answer;
        }
      },
    };
  }
}
