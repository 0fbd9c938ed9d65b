import type { Pool } from '@realchat/db';

/** Somebody who may call as an operator, or might once. */
export interface Operator {
  userId: string;
  grantTime: Date;
  revokeTime: Date | undefined;
}

export async function isOperator(pool: Pool, userId: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'is_operator',
    text: 'select 1 from operator where user_id = $1 and revoke_time is null',
    values: [userId],
  });
  return rowCount === 1;
}

export async function grantOperator(pool: Pool, userId: string): Promise<void> {
  await pool.query(
    `insert into operator (user_id) values ($1)
     on conflict (user_id) do update set grant_time = now(), revoke_time = null where operator.revoke_time is not null`,
    [userId],
  );
}

/** False when the user is no operator. */
export async function revokeOperator(pool: Pool, userId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update operator set revoke_time = now() where user_id = $1 and revoke_time is null',
    [userId],
  );
  return rowCount === 1;
}

export async function listOperators(pool: Pool): Promise<Operator[]> {
  const { rows } = await pool.query<{ user_id: string; grant_time: Date; revoke_time: Date | null }>(
    'select user_id, grant_time, revoke_time from operator order by grant_time',
  );
  return rows.map((row) => ({
    userId: row.user_id,
    grantTime: row.grant_time,
    revokeTime: row.revoke_time ?? undefined,
  }));
}
