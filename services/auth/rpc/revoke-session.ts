import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import type { RevokeSessionRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import type { AuthContext } from '../context.ts';
import { endSession } from '../db/end-session.ts';
import { findSessionOwner } from '../db/live-sessions.ts';
import { assertSessionAlive } from './live-caller.ts';
import { sessionNotFound } from './refusals.ts';

/** Ends one of the caller's sessions. One that has ended before is no error. */
export async function revokeSession(
  context: AuthContext,
  call: Call,
  request: RevokeSessionRequest,
): Promise<Record<string, never>> {
  const sessionId = request.sessionId.toLowerCase();
  await assertSessionAlive(context, call);
  if ((await findSessionOwner(context.pool, sessionId)) !== call.caller.userId) throw sessionNotFound();

  const traceparent = formatTraceparent(call.trace);
  const ended = await endSession(context.pool, { sessionId, reason: SessionEndReason.REVOKED, traceparent });
  if (!ended) return {};
  await context.sessionsEnded(ended.shard, [sessionId]);
  context.events.sessionRevoked(call, { userId: ended.userId, sessionId });
  return {};
}
