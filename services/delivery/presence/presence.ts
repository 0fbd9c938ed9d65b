import { randomUUID } from 'node:crypto';
import type { Logger, Registry } from '@realchat/telemetry';
import type { DeliveryConfig } from '../config.ts';
import type { PresenceContext } from '../context.ts';
import type { Devices } from '../devices.ts';
import { Sessions } from '../domain/sessions.ts';
import type { Watch } from '../domain/watch.ts';
import type { Memberships } from '../memberships.ts';
import { createPresenceEvents } from './events.ts';
import { createLeases, type Leases } from './leases.ts';
import { createPresenceStore } from './store.ts';
import { Watcher } from './watcher.ts';

/** Who is there: told to Redis of this node's sessions, and to this node's watches of everyone's. */
export interface Presence {
  leases: Leases;
  watches: Sessions<Watch>;
  watcher: Watcher;
  context: PresenceContext;
}

/** Beats that a lease outlives. */
const BEATS_PER_LEASE = 5;

export function createPresence(options: {
  config: Pick<
    DeliveryConfig,
    'REDIS_URL' | 'PRESENCE_LEASE_MS' | 'PRESENCE_PATIENCE_MS' | 'MAX_WATCHES_PER_USER' | 'MAX_STREAMS'
  >;
  memberships: Memberships;
  devices: Devices;
  turns: number;
  isRevoked: (loginId: string) => boolean;
  log: Logger;
  metrics: Registry;
}): Presence {
  const { config, memberships, devices, isRevoked, log, metrics } = options;
  const beatMs = config.PRESENCE_LEASE_MS / BEATS_PER_LEASE;
  const watches = new Sessions<Watch>(
    { perUser: config.MAX_WATCHES_PER_USER, perNode: config.MAX_STREAMS },
    options.turns,
  );
  const events = createPresenceEvents(metrics, log, {
    present: () => leases.size,
    watches: () => watches.size,
    watchedUsers: () => watcher.watchedUsers,
  });
  const store = createPresenceStore({
    redisUrl: config.REDIS_URL,
    incarnation: randomUUID(),
    leaseMs: config.PRESENCE_LEASE_MS,
    patienceMs: config.PRESENCE_PATIENCE_MS,
    log,
  });
  const leases = createLeases({ store, beatMs, events });
  const watcher = new Watcher({
    redisUrl: config.REDIS_URL,
    store,
    memberships,
    devices,
    // With the doubt, a dead node's users are offline within a lease and the patience.
    pollMs: config.PRESENCE_PATIENCE_MS / 2,
    doubtMs: beatMs * 1.25,
    events,
    log,
  });
  return { leases, watches, watcher, context: { memberships, store, devices, watches, watcher, events, isRevoked } };
}
