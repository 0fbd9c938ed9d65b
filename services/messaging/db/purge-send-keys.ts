import type { Pool } from '@realchat/db';

/** How long an idempotency key is kept: longer than any client retries. */
const KEPT = '7 days';

/** Deletes keys past their time, at most `limit`, and returns how many. Short on purpose: run it again while it is full. */
export async function purgeSendKeys(pool: Pool, limit: number): Promise<number> {
  const result = await pool.query(
    `delete from send_key where ctid = any (array (
       select ctid from send_key where create_time < now() - $1::interval limit $2))`,
    [KEPT, limit],
  );
  return result.rowCount ?? 0;
}
