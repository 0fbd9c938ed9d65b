import type { Pool } from '@realchat/db';
import { SESSION_IDLE_MS } from '../domain/session-life.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Deletes up to `limit` sessions that nothing can wake: however one ended, it was last refreshed longer ago than an idle
 * one may be, and a day more. Returns how many it were.
 */
export async function purgeSessions(pool: Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from session where session_id in (
       select session_id from session
       where refresh_time < now() - interval '${SESSION_IDLE_MS + DAY_MS} milliseconds'
       limit $1 for update skip locked)`,
    [limit],
  );
  return rowCount ?? 0;
}
