import type { Migrations } from '@realchat/db';
import * as devices from './2026-11-25-1-devices.ts';

/** Every migration of this service's database, by dated name. */
export const migrations: Migrations = { '2026-11-25-1-devices': devices };
