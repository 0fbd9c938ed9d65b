import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ChangePasswordRequest, ChangePasswordResponseSchema } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call, RpcError } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import type { AuthContext } from '../context.ts';
import { findCredentials } from '../db/accounts.ts';
import { changePassword as change } from '../db/change-password.ts';
import { assertSessionAlive } from './live-caller.ts';
import { provePassword } from './prove-password.ts';
import { badCredentials, passwordTooCommon } from './refusals.ts';

/** Sets another password for the caller's account, who knows the one in force, and ends its other sessions. */
export async function changePassword(
  context: AuthContext,
  call: Call,
  request: ChangePasswordRequest,
): Promise<MessageInitShape<typeof ChangePasswordResponseSchema>> {
  const { userId, sessionId, deviceId } = call.caller;
  await assertSessionAlive(context, call);
  const credentials = await findCredentials(context.pool, { userId, deviceId });
  const words = credentials ? [credentials.username] : [];
  if (context.passwordStrength.isCommon(request.newPassword, words)) throw passwordTooCommon('new_password');
  const proven = await provePassword(context, call, credentials, {
    account: credentials?.username ?? userId,
    deviceId,
    password: request.currentPassword,
  });
  if (!proven || !credentials) throw refuse(context, call);

  const changed = await change(context.pool, {
    userId,
    passwordVersion: credentials.passwordVersion,
    newHash: await context.passwords.hash(request.newPassword, call.signal),
    keptSessionId: sessionId,
    traceparent: formatTraceparent(call.trace),
  });
  if (!changed) throw refuse(context, call);

  await context.sessionsEnded(changed.shard, changed.endedSessionIds);
  context.events.passwordChanged(call, call.caller, changed.endedSessionIds.length);
  return { endedSessions: changed.endedSessionIds.length };
}

function refuse(context: AuthContext, call: Call): RpcError {
  context.events.passwordChangeRefused(call, call.caller);
  return badCredentials();
}
