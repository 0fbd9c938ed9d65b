import { connectInBackground, createSubscriber, openConnection, useOrRenew } from '@realchat/redis';
import { Gauge, type Logger, type Registry } from '@realchat/telemetry';
import { CHANNEL, STORED_KEY } from './held.ts';
import { RevokedSet } from './revoked-set.ts';

/** The sessions whose access tokens are void before their time. */
export interface Revocations {
  /** Resolves when what is stored has been read, or after half a second without Redis. */
  start(): Promise<void>;
  stop(): void;
  /** Whether a session has ended, as far as is known here. Asks nobody. */
  isRevoked(sessionId: string): boolean;
  /** Calls the listener once for each session that ends from now on, as soon as it is known here. */
  onRevoked(listener: (sessionId: string) => void): void;
}

/** How often what is stored is asked for, whether anything was heard or not: publishing alone promises no delivery. */
const POLL_MS = 1_000;
const COMMAND_TIMEOUT_MS = 500;
const START_WAIT_MS = 500;
/** What was read last is read again, so that nothing falls between two reads. */
const OVERLAP_MS = 2_000;

/** Listens to Redis, and reads what is stored there with every new connection and every second. */
export function createRevocations(options: { redisUrl: string; log: Logger; metrics: Registry }): Revocations {
  const { redisUrl: url, log } = options;
  const listeners: ((sessionId: string) => void)[] = [];
  const revoked = new RevokedSet();
  const reader = openConnection({ url, name: 'revocations-reader', commandTimeoutMs: COMMAND_TIMEOUT_MS, log });
  const read = Promise.withResolvers<void>();
  let newest = 0;
  let lastReadAt = performance.now();
  let polling: NodeJS.Timeout | undefined;
  let stopped = false;

  new Gauge({
    name: 'realchat_revocations_age_seconds',
    help: 'Since the ended sessions were last read from Redis. While it grows, tokens of sessions that end die by their own end.',
    registers: [options.metrics],
    collect() {
      this.set((performance.now() - lastReadAt) / 1_000);
    },
  });

  const take = (sessionIds: Iterable<string>): void => {
    for (const sessionId of sessionIds) {
      if (revoked.add(sessionId)) for (const listener of listeners) listener(sessionId);
    }
  };

  /** Takes what was stored since `score`. */
  const readFrom = async (score: number): Promise<void> => {
    const found = await reader.zrangebyscore(STORED_KEY, score, '+inf', 'WITHSCORES');
    lastReadAt = performance.now();
    take(found.filter((_, index) => index % 2 === 0));
    newest = Math.max(newest, Number(found.at(-1) ?? 0));
    read.resolve();
  };

  const schedule = (): void => {
    if (!stopped) polling = setTimeout(() => void poll(), POLL_MS).unref();
  };

  const poll = async (): Promise<void> => {
    revoked.prune();
    await useOrRenew(reader, () => readFrom(newest - OVERLAP_MS));
    schedule();
  };

  // Another Redis, or one that lost something and got it back, may have stored under a time that is past here.
  reader.on('ready', () => void useOrRenew(reader, () => readFrom(0)));
  const subscriber = createSubscriber({
    url,
    name: 'revocations-subscriber',
    channel: CHANNEL,
    log,
    onMessage: (message) => take(message.toString().split(' ')),
  });

  return {
    async start() {
      connectInBackground(reader);
      subscriber.start();
      schedule();
      const waited = setTimeout(read.resolve, START_WAIT_MS);
      await read.promise;
      clearTimeout(waited);
    },
    stop() {
      stopped = true;
      clearTimeout(polling);
      reader.disconnect();
      subscriber.stop();
    },
    isRevoked: (sessionId) => revoked.has(sessionId),
    onRevoked: (listener) => void listeners.push(listener),
  };
}
