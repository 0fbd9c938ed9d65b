import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import type { LogoutRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import type { AuthContext } from '../context.ts';
import { endSession, isTokenOf } from '../db/end-session.ts';

/** Ends the session that a refresh token belongs to. What it does not know, or has ended before, is no error. */
export async function logout(context: AuthContext, call: Call, request: LogoutRequest): Promise<Record<string, never>> {
  const token = context.refreshTokens.read(request.refreshToken);
  if (!token) return {};
  const { sessionId } = token;
  if (!token.genuine && !(await isTokenOf(context.pool, sessionId, token.hash))) return {};

  const traceparent = formatTraceparent(call.trace);
  const ended = await endSession(context.pool, { sessionId, reason: SessionEndReason.LOGOUT, traceparent });
  if (!ended) return {};
  await context.sessionsEnded(ended.shard, [sessionId]);
  context.events.loggedOut(call, { userId: ended.userId, sessionId });
  return {};
}
