import { createServer } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://auth.realchat.test';
export const AUDIENCE = 'realchat';

/** Stands in for auth: publishes a key, and signs tokens good and bad. */
export interface TokenIssuer {
  /** Where the keys are published. */
  port: number;
  /** A good token, or one with other claims. `null` takes a claim away. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** A good token's claims under another signature. */
  forge(): Promise<string>;
  /** A good token's claims with the public key as the secret of an HMAC. */
  confuse(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTokenIssuer(port = 0): Promise<TokenIssuer> {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  const signWith = (key: typeof keys.privateKey, claims: Record<string, unknown>, header: Record<string, unknown>) => {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', sid: 's1', did: 'd1', iat: now, exp: now + 300 };
    const payload = Object.fromEntries(Object.entries({ ...good, ...claims }).filter(([, value]) => value !== null));
    return new SignJWT(payload as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', ...header })
      .sign(key);
  };

  return {
    port: (server.address() as { port: number }).port,
    sign: (claims = {}, header = {}) => signWith(keys.privateKey, claims, header),
    forge: async () => signWith((await generateKeyPair('ES256')).privateKey, {}, {}),
    confuse: async () => {
      const secret = Buffer.from(await exportSPKI(keys.publicKey));
      const [, payload] = (await signWith(keys.privateKey, {}, {})).split('.');
      return new SignJWT(JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()))
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' })
        .sign(secret);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
