import { type Call, tokenRevoked } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { isSessionAlive } from '../db/live-sessions.ts';

/**
 * Makes sure that the caller's session is alive by the database: what rules over sessions waits for no news of them. Throws
 * UNAUTHENTICATED (TOKEN_REVOKED).
 */
export async function assertSessionAlive(context: AuthContext, call: Call): Promise<void> {
  if (!(await isSessionAlive(context.pool, call.caller.sessionId))) throw tokenRevoked();
}
