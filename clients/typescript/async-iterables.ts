/** Waits for a promise, but not longer than a signal allows. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Each item in another form; `done` is called when all have come. */
export async function* mapped<From, To>(
  items: AsyncIterable<From>,
  map: (item: From) => To,
  done: () => void = () => {},
): AsyncGenerator<To, void, void> {
  for await (const item of items) yield map(item);
  done();
}
