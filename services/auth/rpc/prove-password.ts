import type { Call } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { type Credentials, findCredentials, replacePasswordHash } from '../db/accounts.ts';
import { isPossibleUsername } from '../domain/username.ts';
import { badCredentials } from './refusals.ts';

/**
 * The account of a name, proven by its password. Every try of a password comes through here, so this is where tries are
 * limited: now by the hasher's queue, for all together. Throws UNAUTHENTICATED (BAD_CREDENTIALS), the same in code, text
 * and work for a name that nobody has and a password that is wrong.
 */
export async function provePassword(
  context: AuthContext,
  call: Call,
  proof: { username: string; password: string },
): Promise<Credentials> {
  const name = isPossibleUsername(proof.username) ? proof.username : '';
  const credentials = await findCredentials(context.pool, name);
  const matches = await context.passwords.verify(credentials?.passwordHash, proof.password, call.signal);
  if (!matches || !credentials) {
    context.events.loginFailed(call, credentials?.userId);
    throw badCredentials();
  }
  await renewHash(context, call, credentials, proof.password);
  return credentials;
}

/** Hashes the password anew when today's parameters are others. That it cannot be done now is no reason to refuse anyone. */
async function renewHash(context: AuthContext, call: Call, credentials: Credentials, password: string): Promise<void> {
  if (!context.passwords.isOutdated(credentials.passwordHash)) return;
  try {
    const newHash = await context.passwords.hash(password, call.signal);
    await replacePasswordHash(context.pool, credentials, newHash);
  } catch (error) {
    call.log.warn({ err: error }, 'a password hash could not be renewed');
  }
}
