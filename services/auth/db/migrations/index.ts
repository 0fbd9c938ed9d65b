import type { Migrations } from '@realchat/db';
import { RELAY_TABLE_SQL } from '@realchat/outbox';
import { sql } from 'kysely';
import * as accounts from './2026-11-25-1-accounts.ts';
import * as eventLog from './2026-11-25-2-event-log.ts';
import * as sessionControl from './2026-11-25-4-session-control.ts';
import * as knownDevices from './2026-11-25-5-known-devices.ts';

/** Every migration of this service's database, by dated name. */
export const migrations: Migrations = {
  '2026-11-25-1-accounts': accounts,
  '2026-11-25-2-event-log': eventLog,
  '2026-11-25-3-relay': { up: async (db) => void (await sql.raw(RELAY_TABLE_SQL).execute(db)) },
  '2026-11-25-4-session-control': sessionControl,
  '2026-11-25-5-known-devices': knownDevices,
};
