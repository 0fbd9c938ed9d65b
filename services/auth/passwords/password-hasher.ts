import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, hashSync, parseOptions, verify } from '@node-rs/argon2';
import { exhausted } from '@realchat/rpc';
import { Gauge, Histogram, type Registry } from '@realchat/telemetry';
import { createWorkQueue, QueueFullError } from './work-queue.ts';

/** Hashes and verifies passwords with argon2id, in a bounded queue beside everything else that the process does. */
export interface PasswordHasher {
  /** The password's PHC string. Throws RESOURCE_EXHAUSTED (LOGIN_QUEUE_FULL). */
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /**
   * Whether the password belongs to the hash. No hash (nobody has that name) is the same work, and false.
   * Throws RESOURCE_EXHAUSTED (LOGIN_QUEUE_FULL).
   */
  verify(passwordHash: string | undefined, password: string, signal?: AbortSignal): Promise<boolean>;
  /** Whether the hash was made with other parameters than those of today. */
  isOutdated(passwordHash: string): boolean;
}

/** What a hash costs. These are the first recommendation of OWASP for argon2id. */
export interface HashParameters {
  /** KiB. */
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

const HASH_PARAMETERS: HashParameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashing shares four threads with token signatures and name lookups, and must leave one of them free. */
const CONCURRENCY = Math.min(3, availableParallelism());

export function createPasswordHasher(options: {
  /** How many may wait; about 5 ms each per core. */
  maxWaiting: number;
  metrics: Registry;
  parameters?: HashParameters;
}): PasswordHasher {
  const parameters = options.parameters ?? HASH_PARAMETERS;
  const queue = createWorkQueue({ concurrency: CONCURRENCY, maxWaiting: options.maxWaiting });
  const duration = observeQueue(queue, options.metrics);
  const nobodysHash = hashSync(randomBytes(32), parameters);

  const run = async <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    try {
      return await queue.run(async () => {
        const end = duration.startTimer();
        return await work().finally(end);
      }, signal);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw exhausted('LOGIN_QUEUE_FULL', 'too many logins at once; retry', error.retryAfterMs);
    }
  };

  return {
    hash: (password, signal) => run(() => hash(normalised(password), parameters), signal),
    async verify(passwordHash, password, signal) {
      const matches = await run(() => verify(passwordHash ?? nobodysHash, normalised(password)), signal);
      return matches && passwordHash !== undefined;
    },
    isOutdated(passwordHash) {
      const { memoryCost, timeCost, parallelism } = parseOptions(passwordHash);
      return (
        memoryCost !== parameters.memoryCost ||
        timeCost !== parameters.timeCost ||
        parallelism !== parameters.parallelism
      );
    },
  };
}

/** The same text typed on different machines is the same bytes (NIST SP 800-63B, 3.1.1.2). */
function normalised(password: string): string {
  return password.normalize('NFKC');
}

function observeQueue(queue: ReturnType<typeof createWorkQueue>, metrics: Registry): Histogram {
  new Gauge({
    name: 'realchat_password_hashes_waiting',
    help: 'Password hashes that wait for their turn.',
    registers: [metrics],
    collect() {
      this.set(queue.waiting);
    },
  });
  return new Histogram({
    name: 'realchat_password_hash_duration_seconds',
    help: 'Time that one password hash takes, without waiting for its turn.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
    registers: [metrics],
  });
}
