import { type Pool, type PoolClient, transaction } from '@realchat/db';
import { writeAction } from './audit.ts';

/** A user from when they might call as an operator until that was taken back. */
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

/** Nothing changes when the user is an operator. `by` says in words who it is that reaches the database. */
export async function grantOperator(pool: Pool, userId: string, by: string): Promise<void> {
  await transaction(pool, async (db) => {
    const { rowCount } = await db.query(
      'insert into operator (user_id) values ($1) on conflict (user_id) where revoke_time is null do nothing',
      [userId],
    );
    if (rowCount === 1) await auditByDatabase(db, 'grant', userId, by);
  });
}

/** False when the user is no operator. `by` is as of a grant. */
export async function revokeOperator(pool: Pool, userId: string, by: string): Promise<boolean> {
  return transaction(pool, async (db) => {
    const { rowCount } = await db.query(
      'update operator set revoke_time = now() where user_id = $1 and revoke_time is null',
      [userId],
    );
    if (rowCount === 1) await auditByDatabase(db, 'revoke', userId, by);
    return rowCount === 1;
  });
}

/** Each grant there ever was, the first one first. */
export async function listOperators(pool: Pool): Promise<Operator[]> {
  const { rows } = await pool.query<{ user_id: string; grant_time: Date; revoke_time: Date | null }>(
    'select user_id, grant_time, revoke_time from operator order by grant_time, user_id',
  );
  return rows.map((row) => ({
    userId: row.user_id,
    grantTime: row.grant_time,
    revokeTime: row.revoke_time ?? undefined,
  }));
}

/** Whoever reaches the database has no account here: the database's own word for them, and theirs, stand for one. */
async function auditByDatabase(db: PoolClient, action: string, userId: string, by: string): Promise<void> {
  const { rows } = await db.query<{ role: string }>('select session_user::text as role');
  const detail = `by way of the database, as its role ${rows[0]?.role}; ${by}`;
  await writeAction(db, { userId: undefined, action, subject: userId, detail, traceId: '' });
}
