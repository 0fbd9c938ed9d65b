import { connectInBackground, openConnection } from '@realchat/redis';
import { Counter, type Logger, type Registry } from '@realchat/telemetry';
import { CHANNEL, HELD_MS, STORED_KEY } from './held.ts';

/** Tells every verifier that sessions have ended. */
export interface Revoker {
  start(): void;
  stop(): void;
  /** Stores and publishes the ids of sessions; again is harmless. Rejects within 100 ms when Redis cannot do it now. */
  revoke(sessionIds: readonly string[]): Promise<void>;
  /** As revoke, and a failure is only told of: for whoever has no other way to go on. Never rejects. */
  tryToRevoke(sessionIds: readonly string[]): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 100;
const CHUNK = 1_000;

// One clock for all, so that a reader can ask for what is newer than what it has. The score of what is stored again moves, so
// that it is held for long enough after whichever ending it was.
const STORE_AND_PUBLISH = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = tonumber(ARGV[2])
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - held)
redis.call('PEXPIRE', KEYS[1], held)
redis.call('PUBLISH', ARGV[1], table.concat(ARGV, ' ', 3))
`;

export function createRevoker(options: {
  redisUrl: string;
  /** The sessions that ended in the last HELD_MS: stored with every new connection, for a Redis that has lost them. */
  endedLately: () => Promise<string[]>;
  log: Logger;
  metrics: Registry;
}): Revoker {
  const { log } = options;
  const redis = openConnection({
    url: options.redisUrl,
    name: 'revoker',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    log,
  });
  const revocations = new Counter({
    name: 'realchat_revocations_total',
    help: 'Sessions that were to be told of as ended, by outcome: told, or failed, which is made up for later.',
    labelNames: ['outcome'],
    registers: [options.metrics],
  });

  const revoke = async (sessionIds: readonly string[]): Promise<void> => {
    for (let from = 0; from < sessionIds.length; from += CHUNK) {
      const some = sessionIds.slice(from, from + CHUNK);
      await redis.eval(STORE_AND_PUBLISH, 1, STORED_KEY, CHANNEL, HELD_MS, ...some).catch((error: unknown) => {
        revocations.inc({ outcome: 'failed' }, some.length);
        throw error;
      });
      revocations.inc({ outcome: 'told' }, some.length);
    }
  };

  const restore = async (): Promise<void> => {
    const sessionIds = await options.endedLately();
    await revoke(sessionIds);
    log.debug({ count: sessionIds.length }, 'stored the sessions that ended lately');
  };

  redis.on('ready', () => {
    restore().catch((error: unknown) => log.warn({ err: error }, 'could not store the sessions that ended lately'));
  });

  return {
    start: () => connectInBackground(redis),
    stop: () => redis.disconnect(),
    revoke,
    tryToRevoke: (sessionIds) =>
      revoke(sessionIds).catch((error: unknown) => {
        log.warn(
          { err: error, count: sessionIds.length },
          'could not tell that sessions have ended; it is tried again',
        );
      }),
  };
}
