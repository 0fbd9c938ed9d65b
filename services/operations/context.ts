import type { Pool } from '@realchat/db';
import type { EventLog, Producer } from '@realchat/eventlog';
import type { Events } from './events.ts';

/** What operations' handlers and consumers work with. */
export interface OperationsContext {
  pool: Pool;
  /** Reads records by their place. */
  eventLog: Pick<EventLog, 'fetching'>;
  /** Appends what is replayed. */
  producer: Producer;
  events: Events;
  /** Whether a session has ended, as far as is known here. */
  isRevoked: (sessionId: string) => boolean;
  /** Aborted when the process stops: streams end. */
  stopping: AbortSignal;
}
