import type { Cursors } from './domain/cursor.ts';
import type { Opening } from './domain/open-session.ts';
import type { Place } from './domain/session.ts';
import type { QueueLimits } from './domain/session-queue.ts';
import type { Sessions } from './domain/sessions.ts';
import type { Events } from './events.ts';

/** What delivery's handler works with. */
export interface DeliveryContext extends Opening {
  sessions: Sessions;
  cursors: Cursors;
  place: Place;
  queueLimits: QueueLimits;
  events: Events;
  /** Whether the login of an access token has ended. */
  isRevoked: (loginId: string) => boolean;
}
