import type { LoginRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call, RpcError } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { findCredentials } from '../db/accounts.ts';
import { openProvenSession } from '../db/open-session.ts';
import { isPossibleUsername } from '../domain/username.ts';
import { provePassword } from './prove-password.ts';
import { badCredentials } from './refusals.ts';
import { prepareSession, type SessionAnswer } from './session-answer.ts';

/** Opens a session of an existing account. Who has no account learns no more, and waits no less, than who has none of this password. */
export async function login(context: AuthContext, call: Call, request: LoginRequest): Promise<SessionAnswer> {
  const username = isPossibleUsername(request.username) ? request.username : '';
  const { deviceId } = request;
  const credentials = await findCredentials(context.pool, { username, deviceId });
  const proven = await provePassword(context, call, credentials, {
    account: request.username,
    deviceId,
    password: request.password,
  });
  if (!proven || !credentials) throw refuse(context, call, credentials?.userId);

  const session = await prepareSession(context, credentials.userId, deviceId);
  const opened = await openProvenSession(context.pool, session.row, credentials.passwordVersion);
  if (!opened) throw refuse(context, call, credentials.userId);
  context.events.loggedIn(call, session.row);
  return session.answer;
}

function refuse(context: AuthContext, call: Call, userId: string | undefined): RpcError {
  context.events.loginFailed(call, userId);
  return badCredentials();
}
