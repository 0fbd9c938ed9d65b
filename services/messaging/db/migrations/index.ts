import type { Migrations } from '@realchat/db';
import { RELAY_TABLE_SQL } from '@realchat/outbox';
import { sql } from 'kysely';
import * as eventLog from './2026-11-25-1-event-log.ts';
import * as membershipAndReads from './2026-11-26-1-membership-and-reads.ts';

/** Every migration of this service's database, by dated name. */
export const migrations: Migrations = {
  '2026-11-25-1-event-log': eventLog,
  '2026-11-25-2-relay': { up: async (db) => void (await sql.raw(RELAY_TABLE_SQL).execute(db)) },
  '2026-11-26-1-membership-and-reads': membershipAndReads,
};
