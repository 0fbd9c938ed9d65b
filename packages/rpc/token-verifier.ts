import { Code } from '@realchat/gen/google/rpc/code';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Caller } from './call.ts';
import type { KeyCache } from './key-cache.ts';
import { RpcError } from './rpc-error.ts';

/** Verifies access tokens without asking anyone but the key cache. */
export interface TokenVerifier {
  /** Throws UNAUTHENTICATED (TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED). */
  verify(token: string | undefined): Caller | Promise<Caller>;
}

const MAX_TOKEN_LENGTH = 4_096;
const MAX_REMEMBERED = 10_000;
const CLOCK_SKEW_SECONDS = 30;

/** Verifies ES256 access tokens of one issuer for one audience; a verified token is remembered until it ends. */
export function createTokenVerifier(options: { keys: KeyCache; issuer: string; audience: string }): TokenVerifier {
  const remembered = new Map<string, Caller>();

  const verifyNew = async (token: string): Promise<Caller> => {
    const caller = toCaller(await checkSignature(token, options));
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    remembered.set(token, caller);
    return caller;
  };

  return {
    verify(token) {
      if (!token) throw new RpcError(Code.UNAUTHENTICATED, 'TOKEN_MISSING', 'an access token is needed');
      if (token.length > MAX_TOKEN_LENGTH) throw invalidToken();
      const known = remembered.get(token);
      if (!known) return verifyNew(token);
      if (known.expiresAt > Date.now()) return known;
      remembered.delete(token);
      throw expiredToken();
    },
  };
}

async function checkSignature(
  token: string,
  options: { keys: KeyCache; issuer: string; audience: string },
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, (header) => options.keys.find(header.kid), {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: ['sub', 'sid', 'did', 'exp', 'iat'],
    });
    return payload;
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
  if (iat > Date.now() / 1000 + CLOCK_SKEW_SECONDS || exp - iat > 3_600) throw invalidToken();
  return { userId: sub, sessionId: sid, deviceId: did, expiresAt: exp * 1_000 };
}

function invalidToken(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'the access token is not valid');
}

function expiredToken(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'TOKEN_EXPIRED', 'the access token has expired; refresh the session');
}
