import type { Logger } from 'pino';

/** A process's whole life as an object: what `main.ts` runs and what a test can start. */
export interface Service {
  start(): Promise<void>;
  /** Drains and closes, each step with its own time limit. */
  stop(): Promise<void>;
}

const GRACE_MS = 15_000;

/**
 * Runs a service until SIGTERM or SIGINT: exit 0 after a clean stop, 1 when it could not start or stop in time.
 * A second SIGTERM changes nothing, a second SIGINT exits at once. A rejection that nobody handled fails one piece of work, not the process.
 */
export async function runService(service: Service, log: Logger): Promise<void> {
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  let stopping = false;
  const stop = async (signal: string) => {
    // A person who asks again means now; a supervisor that repeats itself is obeyed already.
    if (stopping && signal === 'SIGINT') process.exit(1);
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const overdue = setTimeout(() => {
      log.error({ graceMs: GRACE_MS }, 'did not stop in time');
      process.exit(1);
    }, GRACE_MS);
    overdue.unref();
    await service.stop();
    log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      });
    });
  }
  try {
    await service.start();
    log.info('started');
  } catch (error) {
    // What was told to stop while it started has an end of its own.
    if (stopping) return;
    log.fatal({ err: error }, 'could not start');
    process.exit(1);
  }
}
