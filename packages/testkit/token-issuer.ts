import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://auth.test';
export const AUDIENCE = 'realchat-test';

/** An issuer of tokens whose public keys are served over HTTP. */
export interface TestIssuer {
  url: string;
  /** How often the key set was fetched. */
  fetches(): number;
  sign(overrides?: JWTPayload, header?: Record<string, unknown>, key?: CryptoKey): Promise<string>;
  /** Makes the key set answer 500, as when auth is broken. */
  break(): void;
  stop(): Promise<void>;
}

export async function startIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' };
  let fetches = 0;
  let broken = false;
  const server: Server = createServer((_request, response) => {
    fetches++;
    response.writeHead(broken ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/.well-known/jwks.json`,
    fetches: () => fetches,
    break: () => {
      broken = true;
    },
    sign: (overrides = {}, header = {}, key = privateKey) => sign(key, overrides, header),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sign(key: CryptoKey, overrides: JWTPayload, header: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'user-1',
    sid: 'session-1',
    did: 'device-1',
    iat: now,
    exp: now + 300,
  };
  return new SignJWT({ ...claims, ...overrides })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', ...header })
    .sign(key, { crit: { 'urn:unknown': true } });
}
