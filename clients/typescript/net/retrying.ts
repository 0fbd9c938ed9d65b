import { backoffMs } from './backoff.ts';
import { type Failure, failureOf } from './failure.ts';
import { Pause } from './pause.ts';

/** How long to go on. */
export interface RetryOptions {
  /** Ends the waiting; the last failure is thrown. */
  signal?: AbortSignal;
  /** How many tries in all. */
  tries?: number;
  /** Cuts the waiting short when woken. */
  pause?: Pause;
  /** Which failures are worth another try; by default, those that may pass. */
  worthRetrying?: (failure: Failure) => boolean;
  /** How long to wait after so many failures in a row, in milliseconds; by default, `backoffMs`. */
  delayMs?: (failures: number, failure: Failure) => number;
}

/** Makes an idempotent call, again and again with backoff while it fails in a way that may pass. Throws what it threw last. */
export async function retrying<T>(call: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, tries = Number.POSITIVE_INFINITY, pause = new Pause() } = options;
  const worthRetrying = options.worthRetrying ?? ((failure: Failure) => failure.passing);
  const delayMs =
    options.delayMs ?? ((failures: number, { retryAfterMs }: Failure) => backoffMs(failures, retryAfterMs));
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failures >= tries || !worthRetrying(failure)) throw thrown;
      // Nothing cuts short what the server asked for.
      const waiting = failure.retryAfterMs > 0 ? new Pause() : pause;
      await waiting.wait(delayMs(failures, failure), signal);
      if (signal?.aborted) throw thrown;
    }
  }
}
