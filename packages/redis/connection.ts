import type { Logger } from '@realchat/telemetry';
import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 1_000;
/** For a peer that does not answer to the end of a connection. */
const DISCONNECT_TIMEOUT_MS = 100;
/** Short enough that what was missed is there within two seconds of Redis being back. */
const RECONNECT_MOST_MS = 500;

/**
 * A connection that comes back by itself, and that makes nobody wait while it is away: a command fails at once when there is
 * no connection, fails when its answer takes too long, and is never sent again behind its caller's back.
 */
export function openConnection(options: { url: string; name: string; commandTimeoutMs: number; log: Logger }): Redis {
  const connection = new Redis(options.url, {
    connectionName: options.name,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) =>
      Math.min(25 * 2 ** Math.min(attempt, 10), RECONNECT_MOST_MS) * (0.75 + Math.random() / 4),
  });
  const log = options.log.child({ connection: options.name });
  let away = false;
  connection.on('error', (error) => {
    if (!away) log.warn({ err: error }, 'Redis is away; going on without it');
    away = true;
  });
  connection.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  return connection;
}

/** Connects, and goes on trying in the background. */
export function connectInBackground(connection: Redis): void {
  connection.connect().catch(() => {});
}
