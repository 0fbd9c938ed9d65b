import type { RegisterRequest } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { AuthContext } from '../context.ts';
import { isUsernameTaken } from '../db/accounts.ts';
import { registerAccount } from '../db/register-account.ts';
import { passwordTooCommon, usernameTaken } from './refusals.ts';
import { prepareSession, type SessionAnswer } from './session-answer.ts';

/** Makes an account, its event and its first session. */
export async function register(context: AuthContext, call: Call, request: RegisterRequest): Promise<SessionAnswer> {
  const { username, password } = request;
  if (context.passwordStrength.isCommon(password, [username])) throw passwordTooCommon('password');
  // Only saves the hash's work; the unique name in the transaction decides.
  if (await isUsernameTaken(context.pool, username)) throw usernameTaken();

  const passwordHash = await context.passwords.hash(password, call.signal);
  const userId = uuidv7();
  const session = await prepareSession(context, userId, request.deviceId);
  const traceparent = formatTraceparent(call.trace);
  const made = await registerAccount(context.pool, {
    userId,
    username,
    passwordHash,
    session: session.row,
    traceparent,
  });
  if (!made) throw usernameTaken();

  context.committed(made.shard);
  context.events.registered(call, session.row);
  return session.answer;
}
