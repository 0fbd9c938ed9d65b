import type { Migrations } from '@realchat/db';
import * as profiles from './2026-11-25-1-profiles.ts';
import * as search from './2026-11-25-2-search.ts';

/** Every migration of this service's database, by dated name. */
export const migrations: Migrations = {
  '2026-11-25-1-profiles': profiles,
  '2026-11-25-2-search': search,
};
