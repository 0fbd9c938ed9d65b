import { setTimeout as wait } from 'node:timers/promises';

/** Tries until the check answers something true, and returns it. Fails with the last error when the time is over. */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + withinMs;
  let failure: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await check();
      if (result) return result;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await wait(50);
  }
  throw failure ?? new Error(`it did not come true within ${withinMs} ms: ${check.toString()}`);
}
