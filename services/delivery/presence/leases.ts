import { LeaseBook } from '../domain/lease-book.ts';
import type { PresenceEvents } from './events.ts';
import type { PresenceStore } from './store.ts';

/** Keeps the leases of this node's sessions in Redis, for as long as the node lives and Redis is there. */
export interface Leases {
  /** Users with a lease of this node. */
  readonly size: number;
  start(): void;
  /** Stores what is still to be stored, and ends the life of the node: to be called when its sessions have ended. */
  stop(): Promise<void>;
  /** A session of a user's device has opened. Returns at once. */
  opened(userId: string, deviceId: string): void;
  closed(userId: string, deviceId: string): void;
}

/** Sessions that open and close within it are stored together, in milliseconds. */
const GATHER_MS = 10;
const USERS_AT_ONCE = 100;

/** `beatMs`: how often the node's life is renewed, well below the length of a lease. */
export function createLeases(options: { store: PresenceStore; beatMs: number; events: PresenceEvents }): Leases {
  const { store, beatMs, events } = options;
  const book = new LeaseBook();
  let beating: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let storing: Promise<void> | undefined;

  /** Renews the node's life. Whatever was lost meanwhile, its leases with it, is stored again. */
  const beat = async (): Promise<void> => {
    try {
      if (!(await store.beat())) {
        book.unsettleAll();
        events.registered(book.size);
      }
      events.stored('beat', 'done');
    } catch {
      events.stored('beat', 'failed');
    }
  };

  const storeAll = async (): Promise<void> => {
    while (book.hasUnsettled) {
      const leases = book.takeUnsettled(USERS_AT_ONCE);
      const known = await store.settle(leases).catch(() => undefined);
      if (known === true) {
        events.stored('settle', 'done');
        continue;
      }
      // Tried again after the next beat.
      book.putBack(leases);
      events.stored('settle', 'failed');
      return;
    }
  };

  const storeOnce = (): Promise<void> => {
    storing ??= storeAll().finally(() => {
      storing = undefined;
    });
    return storing;
  };

  const beatAndStore = async (): Promise<void> => {
    await beat();
    await storeOnce();
  };

  const gather = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      void storeOnce();
    }, GATHER_MS);
  };

  return {
    get size() {
      return book.size;
    },
    start() {
      store.start(() => void beatAndStore());
      beating = setInterval(() => void beatAndStore(), beatMs);
    },
    async stop() {
      clearInterval(beating);
      clearTimeout(gathering);
      await storing;
      await storeOnce();
      await store.leave().catch(() => {});
      store.stop();
    },
    opened(userId, deviceId) {
      book.opened(userId, deviceId);
      if (book.hasUnsettled) gather();
    },
    closed(userId, deviceId) {
      book.closed(userId, deviceId);
      if (book.hasUnsettled) gather();
    },
  };
}
