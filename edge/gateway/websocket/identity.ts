import { Code } from '@realchat/gen/google/rpc/code';
import { type Caller, RpcError, type TokenVerifier } from '@realchat/rpc';

/** The token of a session, and whose it is. */
export interface Credential {
  readonly token: string;
  readonly caller: Caller;
}

/**
 * Verifies the token of a hello or a refresh. An empty hello has none, and undefined is returned.
 *
 * @throws RpcError UNAUTHENTICATED for a token that is refused, UNAVAILABLE when none can be verified now.
 */
export async function verifyHello(tokens: TokenVerifier, token: string): Promise<Credential | undefined> {
  return token === '' ? undefined : { token, caller: await tokens.verify(token) };
}

/**
 * Verifies the token of a refresh, which must be of the same user and session as the one before, if there was one.
 *
 * @throws RpcError as verifyHello.
 */
export async function verifyRefresh(
  tokens: TokenVerifier,
  token: string,
  before: Credential | undefined,
): Promise<Credential> {
  const caller = await tokens.verify(token);
  if (before && (before.caller.userId !== caller.userId || before.caller.sessionId !== caller.sessionId)) {
    throw new RpcError(Code.UNAUTHENTICATED, 'SESSION_CHANGED', 'a session goes on with tokens of its own only');
  }
  return { token, caller };
}
