import type { Pool } from '@realchat/db';
import type { TransientPublisher } from '@realchat/transients';
import type { Devices } from './devices.ts';
import type { Cursors } from './domain/cursor.ts';
import type { FactRing } from './domain/fact-ring.ts';
import type { Hub } from './domain/hub.ts';
import type { NodeLog } from './domain/node-log.ts';
import type { Opening } from './domain/open-session.ts';
import type { Place, Session } from './domain/session.ts';
import type { QueueLimits } from './domain/session-queue.ts';
import type { Sessions } from './domain/sessions.ts';
import type { StreamBook } from './domain/stream-book.ts';
import type { TypingPace } from './domain/typing-pace.ts';
import type { Watch } from './domain/watch.ts';
import type { Events } from './events.ts';
import type { Memberships } from './memberships.ts';
import type { PresenceEvents } from './presence/events.ts';
import type { Leases } from './presence/leases.ts';
import type { PresenceStore } from './presence/store.ts';
import type { Watcher } from './presence/watcher.ts';

/** What a stream of events works with. */
export interface DeliveryContext extends Opening {
  sessions: Sessions<Session>;
  /** Remembers streams for operators. */
  streams: Pick<StreamBook, 'opened' | 'ended'>;
  leases: Pick<Leases, 'opened' | 'closed'>;
  devices: Pick<Devices, 'seen'>;
  cursors: Cursors;
  place: Place;
  queueLimits: QueueLimits;
  events: Events;
  /** Whether the login of an access token has ended. */
  isRevoked: (loginId: string) => boolean;
}

/** What AcknowledgeCursor works with. */
export interface AcknowledgeContext {
  log: NodeLog<unknown>;
  cursors: Cursors;
  devices: Pick<Devices, 'acknowledged'>;
}

/** What is told to operators is found in. */
export interface FactsContext {
  /** The instance's id. */
  nodeId: string;
  log: NodeLog<unknown>;
  /** What was applied, with the offset in the partition, or -1 for what came from the database. */
  reads: FactRing;
  streams: Pick<StreamBook, 'find' | 'hasForgotten'>;
  pool: Pool;
}

/** What SetTyping works with. */
export interface TypingContext {
  hub: Hub;
  memberships: Pick<Memberships, 'check'>;
  typingPace: TypingPace;
  transients: Pick<TransientPublisher, 'publish'>;
  events: Events;
}

/** What GetPresence and WatchPresence work with. */
export interface PresenceContext {
  memberships: Pick<Memberships, 'companions'>;
  store: Pick<PresenceStore, 'read'>;
  devices: Pick<Devices, 'withLastSeen'>;
  watches: Sessions<Watch>;
  watcher: Pick<Watcher, 'open' | 'close'>;
  events: PresenceEvents;
  /** Whether the login of an access token has ended. */
  isRevoked: (loginId: string) => boolean;
}
