/** One Ctrl-C can arrive two or three times: from the terminal, from npm, from the bootstrap. */
const SAME_PRESS_MS = 700;

/**
 * Calls `first` at the first signal to stop, and `second` when another one comes after it. Answers a function that counts
 * as a signal, for other reasons to stop.
 */
export function onStopSignals(first: (reason: string) => void, second: () => void): (reason: string) => void {
  let firstAt: number | undefined;
  const stop = (reason: string) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      first(reason);
    } else if (Date.now() - firstAt > SAME_PRESS_MS) second();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return stop;
}
