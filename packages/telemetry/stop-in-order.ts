import type { Logger } from 'pino';

/** One step of a shutdown: what is closed, how long that may take in milliseconds, and how. */
export type StopStep = [name: string, limitMs: number, run: () => unknown];

/** Runs the steps one after another. One that fails or takes too long is told of and passed over: the rest must close too. */
export async function stopInOrder(log: Logger, steps: StopStep[]): Promise<void> {
  for (const [step, limitMs, run] of steps) {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<'overdue'>((resolve) => {
      timer = setTimeout(resolve, limitMs, 'overdue');
    });
    try {
      if ((await Promise.race([run(), overdue])) === 'overdue')
        log.warn({ step, limitMs }, 'a part did not stop in time');
    } catch (error) {
      log.warn({ err: error, step }, 'a part failed to stop');
    } finally {
      clearTimeout(timer);
    }
  }
}
