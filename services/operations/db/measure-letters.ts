import type { Pool } from '@realchat/db';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';

/** The open dead letters of a topic and class. */
export interface LetterDepth {
  topic: string;
  errorClass: string;
  count: number;
  /** Since the first attempt of the oldest, in seconds. */
  oldestSeconds: number;
}

export async function measureLetters(pool: Pool): Promise<LetterDepth[]> {
  const { rows } = await pool.query<{ topic: string; error_class: string; count: number; oldest: number }>(
    `select topic, error_class, count(*)::int as count,
       extract(epoch from now() - min(first_attempt))::float8 as oldest
     from dead_letter where state in (${DeadLetterState.OPEN}, ${DeadLetterState.REPLAYING}) group by 1, 2`,
  );
  return rows.map((row) => ({
    topic: row.topic,
    errorClass: row.error_class,
    count: row.count,
    oldestSeconds: Math.max(0, row.oldest),
  }));
}

/** Forgets what the log has not kept for a while and operators have done with. */
export async function purgeLetters(pool: Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from dead_letter where (topic, partition, record_offset) in (
       select topic, partition, record_offset from dead_letter
       where update_time < now() - interval '60 days' and state in (${DeadLetterState.REPLAYED}, ${DeadLetterState.DISCARDED})
       limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}
