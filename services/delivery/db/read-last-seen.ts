import type { Pool } from '@realchat/db';

/** When each of some users was last seen on any device, in milliseconds since the epoch; of others nothing is kept. */
export async function readLastSeen(pool: Pool, userIds: readonly string[]): Promise<Map<string, number>> {
  const result = await pool.query<{ user_id: string; seen_ms: number }>({
    name: 'read-last-seen',
    text: `select user_id, (extract(epoch from max(last_seen_time)) * 1000)::float8 as seen_ms
      from device where user_id = any($1) group by user_id`,
    values: [userIds],
  });
  return new Map(result.rows.map((row) => [row.user_id, row.seen_ms]));
}
