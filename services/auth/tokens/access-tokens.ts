import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { SIGNING_ALGORITHM } from './new-key.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Whom a token speaks for. */
export interface AccessTokenSubject {
  userId: string;
  sessionId: string;
  deviceId: string;
  /** No token outlives its session, in milliseconds since the epoch. */
  sessionEndsAt: number;
}

/** A signed token. */
export interface AccessToken {
  jwt: string;
  /** Seconds since the epoch. */
  expiresAt: number;
}

/** Signs access tokens. */
export interface AccessTokens {
  /** Throws UNAVAILABLE while there is no key to sign with: to be asked before anything is changed. */
  assertReady(): void;
  /** Signs a token. Throws UNAVAILABLE while there is no key to sign with. */
  issue(subject: AccessTokenSubject): Promise<AccessToken>;
}

export function createAccessTokens(options: {
  keys: SigningKeys;
  issuer: string;
  audience: string;
  lifeSeconds: number;
}): AccessTokens {
  return {
    assertReady: () => void options.keys.current(),
    async issue({ userId, sessionId, deviceId, sessionEndsAt }) {
      const { keyId, privateKey } = options.keys.current();
      const issuedAt = Math.floor(Date.now() / 1000);
      const expiresAt = Math.min(issuedAt + options.lifeSeconds, Math.floor(sessionEndsAt / 1000));
      const jwt = await new SignJWT({ sid: sessionId, did: deviceId })
        .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: 'at+jwt', kid: keyId })
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setSubject(userId)
        .setJti(randomBytes(16).toString('base64url'))
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(privateKey);
      return { jwt, expiresAt };
    },
  };
}
