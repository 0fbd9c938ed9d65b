import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import type { RefreshSessionRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call, RpcError } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import type { AuthContext } from '../context.ts';
import { endSession } from '../db/end-session.ts';
import { rotateSession } from '../db/rotate-session.ts';
import type { RefreshToken } from '../domain/refresh-token.ts';
import { refreshTokenInvalid, refreshTokenReused } from './refusals.ts';
import { answerWith, type SessionAnswer } from './session-answer.ts';

/** Trades a refresh token for its successor and a new access token; ends the session of a token that was spent before. */
export async function refreshSession(
  context: AuthContext,
  call: Call,
  request: RefreshSessionRequest,
): Promise<SessionAnswer> {
  const token = context.refreshTokens.read(request.refreshToken);
  if (!token) throw refuse(context, call);

  context.accessTokens.assertReady();
  const successor = context.refreshTokens.successorOf(token);
  const rotation = await rotateSession(context.pool, {
    sessionId: token.sessionId,
    tokenHash: token.hash,
    successorHash: successor.hash,
  });
  if (rotation.outcome === 'gone') throw refuse(context, call);
  if (rotation.outcome === 'superseded') throw await endForReuse(context, call, token);

  context.events.refreshed(call, rotation.session, rotation.outcome);
  return await answerWith(context, rotation.session, successor);
}

/** A token of ours that is not the one in force was in force once. One that somebody made up must not end a session. */
async function endForReuse(context: AuthContext, call: Call, token: RefreshToken): Promise<RpcError> {
  if (!token.genuine) return refuse(context, call);
  const { sessionId } = token;
  const traceparent = formatTraceparent(call.trace);
  const ended = await endSession(context.pool, { sessionId, reason: SessionEndReason.REFRESH_REUSE, traceparent });
  if (!ended) return refuse(context, call);
  await context.sessionsEnded(ended.shard, [sessionId]);
  context.events.refreshReused(call, { userId: ended.userId, sessionId });
  return refreshTokenReused();
}

function refuse(context: AuthContext, call: Call): RpcError {
  context.events.refreshRefused(call);
  return refreshTokenInvalid();
}
