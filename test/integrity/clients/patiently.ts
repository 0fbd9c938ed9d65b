import { setTimeout as delay } from 'node:timers/promises';
import { CallFailure } from '../../e2e/clients/caller.ts';
import { toFailure } from '../../e2e/clients/connect-caller.ts';

/** Whoever asks too often comes back when they are told to. Rejects with what any other refusal was. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const { code, retryAfterMs } = failureOf(thrown);
      if (code !== 'RESOURCE_EXHAUSTED' || retryAfterMs === undefined) throw thrown;
      await delay(retryAfterMs);
    }
  }
}

export function failureOf(thrown: unknown): CallFailure {
  return thrown instanceof CallFailure ? thrown : toFailure(thrown);
}
