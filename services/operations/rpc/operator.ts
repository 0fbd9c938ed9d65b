import { type Call, Code, RpcError } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { writeAction } from '../db/audit.ts';
import { isOperator } from '../db/operators.ts';

/** Refuses everyone who is no operator now. Asked of the database at each call: a role that is taken back is gone at once. */
export async function requireOperator({ pool }: OperationsContext, call: Call): Promise<void> {
  if (await isOperator(pool, call.caller.userId)) return;
  throw new RpcError(Code.PERMISSION_DENIED, 'NOT_AN_OPERATOR', 'this is for operators; realchat ops grant makes one');
}

/** Writes down that an operator looks at something, before it is shown. */
export async function auditLook(
  { pool, events }: OperationsContext,
  call: Call,
  action: string,
  subject: string,
): Promise<void> {
  await writeAction(pool, { userId: call.caller.userId, action, subject, traceId: call.trace.traceId });
  events.operatorActed(call, action, subject);
}
