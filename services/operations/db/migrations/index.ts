import type { Migrations } from '@realchat/db';
import * as deadLetters from './2026-11-25-1-dead-letters.ts';
import * as activity from './2026-11-25-2-activity.ts';
import * as auditedGrants from './2026-11-26-1-audited-grants.ts';

/** Every migration of this service's database, by dated name. */
export const migrations: Migrations = {
  '2026-11-25-1-dead-letters': deadLetters,
  '2026-11-25-2-activity': activity,
  '2026-11-26-1-audited-grants': auditedGrants,
};
