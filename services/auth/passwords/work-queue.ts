/** Thrown when there is no place left to wait. */
export class QueueFullError extends Error {
  override name = 'QueueFullError';
  /** When there may be a place, in milliseconds, as far as can be told. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('the queue is full');
    this.retryAfterMs = retryAfterMs;
  }
}

/** Runs costly work, so much at a time and so much waiting, first come first served. */
export interface WorkQueue {
  /** Waits for its turn. Throws QueueFullError at once when too many wait, and the signal's reason when nobody waits any more. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  readonly waiting: number;
  readonly running: number;
}

interface Waiting {
  admit: () => void;
  signal: AbortSignal | undefined;
}

const FIRST_ESTIMATE_MS = 50;

export function createWorkQueue(options: { concurrency: number; maxWaiting: number }): WorkQueue {
  const queue = new Set<Waiting>();
  let running = 0;
  let averageMs = FIRST_ESTIMATE_MS;

  const admitNext = () => {
    const [next] = queue;
    if (!next || running >= options.concurrency) return;
    queue.delete(next);
    running += 1;
    next.admit();
  };

  const turn = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        queue.delete(entry);
        reject(signal?.reason);
      };
      const entry: Waiting = {
        signal,
        admit: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      queue.add(entry);
      admitNext();
    });

  return {
    async run(work, signal) {
      signal?.throwIfAborted();
      if (running >= options.concurrency && queue.size >= options.maxWaiting) {
        throw new QueueFullError(Math.ceil((averageMs * (queue.size + 1)) / options.concurrency));
      }
      await turn(signal);
      const begin = performance.now();
      try {
        return await work();
      } finally {
        averageMs += (performance.now() - begin - averageMs) / 10;
        running -= 1;
        admitNext();
      }
    },
    get waiting() {
      return queue.size;
    },
    get running() {
      return running;
    },
  };
}
