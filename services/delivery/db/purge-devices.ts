import type { Pool } from '@realchat/db';

/** Removes devices that were not seen for so many days; returns how many. */
export async function purgeDevices(pool: Pool, days: number): Promise<number> {
  const result = await pool.query('delete from device where last_seen_time < now() - make_interval(days => $1)', [
    days,
  ]);
  return result.rowCount ?? 0;
}
