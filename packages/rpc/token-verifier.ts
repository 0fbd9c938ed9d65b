import { Code } from '@realchat/gen/google/rpc/code';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Caller } from './call.ts';
import type { KeyCache } from './key-cache.ts';
import { RpcError } from './rpc-error.ts';

/** Verifies access tokens without asking anyone but the key cache. */
export interface TokenVerifier {
  /** Throws UNAUTHENTICATED (TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED). */
  verify(token: string | undefined): Caller | Promise<Caller>;
}

const MAX_TOKEN_LENGTH = 4_096;
const MAX_REMEMBERED = 10_000;
const CLOCK_SKEW_SECONDS = 30;

/** The longest life of an access token, in seconds. One that claims more is refused. */
export const ACCESS_TOKEN_MAX_SECONDS = 900;

/** What tokens are verified by. */
export interface TokenRules {
  keys: Pick<KeyCache, 'find' | 'knows'>;
  issuer: string;
  audience: string;
  /** Whether a session has ended, asked of every token, remembered or not. Default: none has. */
  revoked?: (sessionId: string) => boolean;
}

/** Verifies ES256 access tokens of one issuer for one audience; one that was verified is remembered while its key is. */
export function createTokenVerifier(options: TokenRules): TokenVerifier {
  const { revoked = () => false } = options;
  const remembered = new Map<string, { caller: Caller; keyId: string }>();

  const verifyNew = async (token: string): Promise<Caller> => {
    const { payload, keyId } = await checkSignature(token, options);
    const caller = toCaller(payload);
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    remembered.set(token, { caller, keyId });
    if (revoked(caller.sessionId)) throw tokenRevoked();
    return caller;
  };

  return {
    verify(token) {
      if (!token) throw new RpcError(Code.UNAUTHENTICATED, 'TOKEN_MISSING', 'an access token is needed');
      if (token.length > MAX_TOKEN_LENGTH) throw invalidToken();
      const known = remembered.get(token);
      if (!known) return verifyNew(token);
      const { caller, keyId } = known;
      if (caller.expiresAt <= Date.now()) {
        remembered.delete(token);
        throw expiredToken();
      }
      // Its key was taken out meanwhile.
      if (!options.keys.knows(keyId)) {
        remembered.delete(token);
        return verifyNew(token);
      }
      if (revoked(caller.sessionId)) throw tokenRevoked();
      return caller;
    },
  };
}

async function checkSignature(token: string, options: TokenRules): Promise<{ payload: JWTPayload; keyId: string }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, (header) => options.keys.find(header.kid), {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: ['sub', 'sid', 'did', 'exp', 'iat'],
    });
    return { payload, keyId: protectedHeader.kid ?? '' };
  } catch (error) {
    if (error instanceof RpcError) throw error;
    if (error instanceof errors.JWTExpired) throw expiredToken();
    throw invalidToken();
  }
}

function toCaller(payload: JWTPayload): Caller {
  const { sub, sid, did, exp, iat } = payload;
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof did !== 'string' || !exp || !iat)
    throw invalidToken();
  // No token of ours lives longer than its minutes, whatever it says of itself.
  if (iat > Date.now() / 1000 + CLOCK_SKEW_SECONDS || exp - iat > ACCESS_TOKEN_MAX_SECONDS) throw invalidToken();
  return { userId: sub, sessionId: sid, deviceId: did, expiresAt: exp * 1_000 };
}

function invalidToken(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'the access token is not valid');
}

function expiredToken(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'TOKEN_EXPIRED', 'the access token has expired; refresh the session');
}

/** The token is good and the session that it is of has ended. */
export function tokenRevoked(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'TOKEN_REVOKED', 'the session of the access token has ended; log in again');
}
