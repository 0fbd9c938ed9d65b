import type { Pool } from '@realchat/db';
import { SESSION_IDLE_MS, SESSION_MAX_MS } from '../domain/session-life.ts';

/** Of a row of `session`: it has not ended, in whichever way. */
export const IS_ALIVE = `end_time is null
  and create_time > now() - interval '${SESSION_MAX_MS} milliseconds'
  and refresh_time > now() - interval '${SESSION_IDLE_MS} milliseconds'`;

/** A session as its owner sees it. */
export interface ListedSession {
  sessionId: string;
  deviceId: string;
  createTime: Date;
  refreshTime: Date;
}

/** The live sessions of an account, the one used last first. */
export async function listSessions(pool: Pool, userId: string, limit: number): Promise<ListedSession[]> {
  const { rows } = await pool.query<{ session_id: string; device_id: string; create_time: Date; refresh_time: Date }>(
    `select session_id, device_id, create_time, refresh_time from session
     where user_id = $1 and ${IS_ALIVE}
     order by refresh_time desc, session_id limit $2`,
    [userId, limit],
  );
  return rows.map((row) => ({
    sessionId: row.session_id,
    deviceId: row.device_id,
    createTime: row.create_time,
    refreshTime: row.refresh_time,
  }));
}

/** Whether a session is alive now, whatever its access token says. */
export async function isSessionAlive(pool: Pool, sessionId: string): Promise<boolean> {
  const { rowCount } = await pool.query(`select 1 from session where session_id = $1 and ${IS_ALIVE}`, [sessionId]);
  return rowCount === 1;
}

/** Whose a session is, alive or ended; undefined when it is not known. */
export async function findSessionOwner(pool: Pool, sessionId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ user_id: string }>('select user_id from session where session_id = $1', [
    sessionId,
  ]);
  return rows[0]?.user_id;
}

/** The sessions that were ended in the last milliseconds. */
export async function listEndedSessions(pool: Pool, withinMs: number): Promise<string[]> {
  const { rows } = await pool.query<{ session_id: string }>(
    `select session_id from session where end_time > now() - $1 * interval '1 millisecond'`,
    [withinMs],
  );
  return rows.map((row) => row.session_id);
}
