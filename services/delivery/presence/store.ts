import { connectInBackground, openConnection } from '@realchat/redis';
import type { Logger } from '@realchat/telemetry';
import type { UserLeases } from '../domain/lease-book.ts';
import type { PresenceFact } from '../domain/presence.ts';
import { BEAT, CHANNEL, NODE_PREFIX, READ, SETTLE, USER_PREFIX } from './scripts.ts';

/** Leases and presence in Redis. Each call is one round trip and rejects at once, or after half a second, when Redis is away. */
export interface PresenceStore {
  /** Calls back with every new connection: what was stored may be lost. */
  start(onConnected: () => void): void;
  stop(): void;
  /** Renews the life of this node. False: it was not known, so none of its leases counts any more. */
  beat(): Promise<boolean>;
  /** Stores this node's leases of some users. False: the node is not known; beat, and store all of them. */
  settle(leases: readonly UserLeases[]): Promise<boolean>;
  /** Ends the life of this node. */
  leave(): Promise<void>;
  /** One fact per user. Rejects too while Redis has lost this node and so, for all that is known, the others. */
  read(userIds: readonly string[]): Promise<PresenceFact[]>;
}

const COMMAND_TIMEOUT_MS = 500;

export function createPresenceStore(options: {
  redisUrl: string;
  /** Names this life of the node, a UUID. */
  incarnation: string;
  leaseMs: number;
  patienceMs: number;
  log: Logger;
}): PresenceStore {
  const { incarnation, leaseMs, patienceMs } = options;
  const redis = openConnection({
    url: options.redisUrl,
    name: 'presence',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    log: options.log,
  });
  const nodeKey = NODE_PREFIX + incarnation;
  const keysOf = (userIds: readonly string[]) => [nodeKey, ...userIds.map((userId) => USER_PREFIX + userId)];

  return {
    start(onConnected) {
      redis.on('ready', onConnected);
      connectInBackground(redis);
    },
    stop: () => redis.disconnect(),
    beat: async () => (await redis.eval(BEAT, 1, nodeKey, leaseMs)) === 1,
    async settle(leases) {
      const keys = keysOf(leases.map(({ userId }) => userId));
      const wanted = leases.flatMap(({ userId, deviceIds }) => [userId, deviceIds.length, ...deviceIds]);
      return (await redis.eval(SETTLE, keys.length, ...keys, incarnation, CHANNEL, ...wanted)) === 1;
    },
    leave: async () => void (await redis.del(nodeKey)),
    async read(userIds) {
      if (userIds.length === 0) return [];
      const keys = keysOf(userIds);
      const found = (await redis.eval(READ, keys.length, ...keys, patienceMs)) as number[];
      if (found.length !== userIds.length * 2) throw new Error('presence is being stored anew');
      return userIds.map((userId, index) => {
        const online = found[index * 2] === 1;
        const ms = found[index * 2 + 1] ?? 0;
        return { userId, online, patienceLeftMs: online ? ms : 0, seenAt: online ? 0 : ms };
      });
    },
  };
}
