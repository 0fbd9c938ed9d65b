import type { LoginRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { openSession } from '../db/open-session.ts';
import { provePassword } from './prove-password.ts';
import { prepareSession, type SessionAnswer } from './session-answer.ts';

/** Opens a session of an existing account. */
export async function login(context: AuthContext, call: Call, request: LoginRequest): Promise<SessionAnswer> {
  const { userId } = await provePassword(context, call, request);
  const session = await prepareSession(context, userId, request.deviceId);
  await openSession(context.pool, session.row);
  context.events.loggedIn(call, session.row);
  return session.answer;
}
