import type { Call } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { type Credentials, replacePasswordHash } from '../db/accounts.ts';

/** Of one who says to be the owner of an account. */
export interface Proof {
  /** The account's name as it was given. */
  account: string;
  deviceId: string;
  password: string;
}

/**
 * Whether a password is the account's; without an account it is the same work, and false. Every try of a password comes
 * through here, so this is where tries are limited: by account, and by the hasher's queue for all together.
 */
export async function provePassword(
  context: AuthContext,
  call: Call,
  credentials: Credentials | undefined,
  { account, deviceId, password }: Proof,
): Promise<boolean> {
  const knownDevice = credentials?.knowsDevice ? deviceId : undefined;
  const trier = { account, address: call.clientAddress, knownDevice };
  const attempt = await context.tries.begin(trier, call.signal, () => context.events.tryDelayed(call));
  const matches = await context.passwords
    .verify(credentials?.passwordHash, password, call.signal)
    .catch(async (error: unknown) => {
      await attempt.takeBack();
      throw error;
    });
  if (!matches || !credentials) return false;
  await attempt.takeBack();
  await renewHash(context, call, credentials, password);
  return true;
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
