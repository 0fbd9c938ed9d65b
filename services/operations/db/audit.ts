import type { Pool, PoolClient } from '@realchat/db';

/** What an operator did. Nothing of a record's content may be in it. */
export interface OperatorAction {
  /** Undefined when it was done by way of the database, which needs no account: then `detail` says more. */
  userId: string | undefined;
  /** A verb, such as `replay`. */
  action: string;
  /** What it was done to: an id, or the filter in words. */
  subject: string;
  detail?: string;
  traceId: string;
}

/** Writes an action down, in the transaction of what it changes where it changes something. */
export async function writeAction(db: Pool | PoolClient, action: OperatorAction): Promise<void> {
  await db.query(
    'insert into operator_action (user_id, action, subject, detail, trace_id) values ($1, $2, $3, $4, $5)',
    [action.userId ?? null, action.action, action.subject, action.detail ?? '', action.traceId],
  );
}
