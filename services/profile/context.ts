import type { Pool } from '@realchat/db';
import type { Events } from './events.ts';

/** What profile's handlers and consumers work with. */
export interface ProfileContext {
  pool: Pool;
  events: Events;
}
