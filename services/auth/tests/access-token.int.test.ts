import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKeyCache, createTokenVerifier, type KeyCache, RpcError, type TokenVerifier } from '@realchat/rpc';
import { silentTelemetry, until } from '@realchat/testkit';
import {
  type CryptoKey,
  decodeJwt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSealer } from '../domain/sealed-secret.ts';
import { type AuthFixture, PASSWORD, SECRET, someUsername, startAuth } from './auth-fixture.ts';

const { log } = silentTelemetry();
const INVALID = 'TOKEN_INVALID';

let fixture: AuthFixture;
let keys: KeyCache;
let verifier: TokenVerifier;
/** A real token. */
let token: string;
let claims: JWTPayload;
let keyId: string;
let privateKey: CryptoKey;
let publicJwk: JWK;
/** Stands where a token's header would send a verifier. */
let lure: Server;
let lured = 0;

beforeAll(async () => {
  fixture = await startAuth();
  const account = await fixture.auth.register({ username: someUsername(), password: PASSWORD, deviceId: 'phone' });
  token = account.accessToken;
  claims = decodeJwt(token);
  const { rows } = await fixture.db.query(
    'select key_id, public_jwk, sealed_private_jwk from signing_key order by sign_from',
  );
  keyId = rows[0].key_id;
  publicJwk = rows[0].public_jwk;
  privateKey = (await importJWK(
    JSON.parse(createSealer(SECRET).open(rows[0].sealed_private_jwk, keyId)),
    'ES256',
  )) as CryptoKey;

  keys = createKeyCache({ urls: [fixture.jwksUrl], log });
  await keys.start();
  verifier = createTokenVerifier({ keys, issuer: 'https://auth.realchat.local', audience: 'realchat' });
  lure = createServer((_request, response) => {
    lured += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => lure.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  keys.stop();
  lure.close();
  await fixture.stop();
});

/** The reason of the refusal; undefined when the token passes. */
async function refusal(text: string | undefined): Promise<string | undefined> {
  try {
    await verifier.verify(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return error.reason;
  }
}

/** Signs any claims with the real key. */
function sign(payload: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keyId, ...header })
    .sign(privateKey);
}

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const head = (header: Record<string, unknown> = {}) => encode({ alg: 'ES256', typ: 'at+jwt', kid: keyId, ...header });
const signatureOf = (text: string) => text.split('.')[2];
const seconds = () => Math.floor(Date.now() / 1000);

describe('an access token of ours', () => {
  test('passes, and tells who calls', async () => {
    expect(await verifier.verify(token)).toEqual({
      userId: claims.sub,
      sessionId: claims['sid'],
      deviceId: 'phone',
      expiresAt: (claims.exp ?? 0) * 1000,
    });
    expect(await refusal(await sign(claims))).toBeUndefined();
  });

  test('is missing', async () => {
    expect(await refusal(undefined)).toBe('TOKEN_MISSING');
    expect(await refusal('')).toBe('TOKEN_MISSING');
  });
});

describe('S-15: a token without a signature is refused', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %j', async (alg) => {
    expect(await refusal(`${head({ alg })}.${encode(claims)}.`)).toBe(INVALID);
    expect(await refusal(`${head({ alg })}.${encode(claims)}.${signatureOf(token)}`)).toBe(INVALID);
  });

  test('stripped, empty, cut short, or of other claims', async () => {
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const raised = encode({ ...claims, sub: '00000000-0000-0000-0000-000000000000' });
    for (const forged of [
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -8)}`,
      `${header}.${raised}.${signature}`,
      `${head({ alg: 'es256' })}.${payload}.${signature}`,
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    ])
      expect(await refusal(forged)).toBe(INVALID);
  });
});

describe('S-16: a key signs by its own algorithm alone', () => {
  test('HS256 with the public key as the secret', async () => {
    const spki = await exportSPKI((await importJWK(publicJwk, 'ES256')) as CryptoKey);
    for (const secret of [spki, spki.trim(), JSON.stringify(publicJwk), publicJwk.x as string]) {
      const forged = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keyId })
        .sign(Buffer.from(secret.padEnd(32, '\0')));
      expect(await refusal(forged)).toBe(INVALID);
    }
  });

  test.each(['RS256', 'PS256', 'ES384', 'EdDSA', 'ES256'])(
    '%s with a key of somebody else, under our key id',
    async (alg) => {
      const { privateKey: foreign } = await generateKeyPair(alg);
      const forged = await new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid: keyId }).sign(foreign);
      expect(await refusal(forged)).toBe(INVALID);
    },
  );
});

describe('S-17: what a header says of keys is not followed', () => {
  test('jku, x5u and an embedded key: refused, and nothing is fetched', async () => {
    const { publicKey, privateKey: foreign } = await generateKeyPair('ES256', { extractable: true });
    const url = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/jwks.json`;
    for (const header of [{ jku: url }, { x5u: url }, { jwk: await exportJWK(publicKey) }]) {
      for (const kid of [keyId, 'elsewhere']) {
        const forged = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header });
        expect(await refusal(await forged.sign(foreign))).toBe(INVALID);
      }
    }
    expect(lured).toBe(0);
  });

  test('crit and unencoded payloads', async () => {
    const [, payload, signature] = token.split('.');
    for (const header of [{ crit: ['b64'], b64: false }, { crit: ['exp'], exp: 1 }, { crit: [] }])
      expect(await refusal(`${head(header)}.${payload}.${signature}`)).toBe(INVALID);
  });

  test.each([
    ['a path', '../../etc/passwd'],
    ['SQL', `x' union select 1 --`],
    ['a name of Object', '__proto__'],
    ['10 KB', 'k'.repeat(10_240)],
    ['a number', 7],
    ['nothing', undefined],
  ])('a key id that is %s', async (_what, kid) => {
    const [, payload, signature] = token.split('.');
    expect(await refusal(`${head({ kid })}.${payload}.${signature}`)).toBe(INVALID);
  });
});

describe('S-18: a token for something else is refused, though our key signed it', () => {
  test.each([
    ['another issuer', { iss: 'https://auth.example.com' }],
    ['another audience', { aud: 'billing' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['a subject that is no text', { sub: 7 }],
    ['no session', { sid: undefined }],
    ['a session that is no text', { sid: { $ne: '' } }],
    ['no device', { did: undefined }],
  ])('%s', async (_what, change) => {
    expect(await refusal(await sign({ ...claims, ...change } as JWTPayload))).toBe(INVALID);
  });

  test.each(['JWT', 'rt+jwt', 'id+jwt', 'logout+jwt', undefined])('typ %j', async (typ) => {
    expect(await refusal(await sign(claims, { typ }))).toBe(INVALID);
  });

  test('a refresh token', async () => {
    const { refreshToken } = await fixture.auth.register({ username: someUsername(), password: PASSWORD });
    expect(await refusal(refreshToken)).toBe(INVALID);
  });
});

describe('S-19: a token counts in its own time alone', () => {
  test('expired', async () => {
    const now = seconds();
    expect(await refusal(await sign({ ...claims, iat: now - 400, exp: now - 100 }))).toBe('TOKEN_EXPIRED');
  });

  test.each<[string, () => Record<string, unknown>]>([
    ['not yet valid', () => ({ nbf: seconds() + 120 })],
    ['issued in the future', () => ({ iat: seconds() + 120, exp: seconds() + 240 })],
    ['valid until the year 9999', () => ({ exp: 253_402_300_799 })],
    ['an expiry as text', () => ({ exp: String(seconds() + 100) })],
    ['no expiry', () => ({ exp: undefined })],
    ['no time of issue', () => ({ iat: undefined })],
    ['an expiry beyond numbers', () => ({ exp: 1e308 })],
  ])('%s', async (_what, change) => {
    expect(await refusal(await sign({ ...claims, ...change() } as JWTPayload))).toBe(INVALID);
  });

  test('a verified token ends when it says so, although it is remembered', async () => {
    const now = seconds();
    const short = await sign({ ...claims, iat: now, exp: now + 1 });
    expect(await refusal(short)).toBeUndefined();
    await expect.poll(() => refusal(short), { timeout: 3_000 }).toBe('TOKEN_EXPIRED');
  });
});

describe('S-20: a token that is costly to read is refused unread', () => {
  test('64 KB, ten thousand claims, deep nesting, an encrypted and packed one', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`claim${index}`, index]));
    const nested = Buffer.from(`{"sub":${'['.repeat(100_000)}${']'.repeat(100_000)}}`).toString('base64url');
    const jwe = `${encode({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..${'A'.repeat(16)}.${'A'.repeat(2_000)}.${'A'.repeat(22)}`;
    const begin = performance.now();
    for (const costly of [
      'x'.repeat(65_536),
      `${head()}.${encode({ ...claims, ...many })}.x`,
      `${head()}.${nested}.x`,
      jwe,
    ])
      for (let round = 0; round < 100; round++) expect(await refusal(costly)).toBe(INVALID);
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

test('S-21: whoever has a good token does not wait while a flood of unknown key ids waits for the keys', async () => {
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const publisher = createServer((_request, response) => {
    const answer = () => response.end(JSON.stringify({ keys: [publicJwk] }));
    if (isHeld) waiting.push(answer);
    else answer();
  });
  await new Promise<void>((resolve) => publisher.listen(0, '127.0.0.1', resolve));
  const cache = createKeyCache({ urls: [`http://127.0.0.1:${(publisher.address() as AddressInfo).port}`], log });
  await cache.start();
  const flooded = createTokenVerifier({ keys: cache, issuer: 'https://auth.realchat.local', audience: 'realchat' });
  isHeld = true;
  const [, payload, signature] = token.split('.');
  let answered = 0;
  const verify = async (each: string) => flooded.verify(each);
  const flood = Array.from({ length: 1_000 }, (_, index) =>
    verify(`${head({ kid: `unknown-${index}` })}.${payload}.${signature}`).catch(() => {
      answered += 1;
    }),
  );
  await until('the keys are asked for', () => waiting.length > 0);
  expect(await flooded.verify(token)).toMatchObject({ userId: claims.sub });
  expect(waiting).toHaveLength(1);
  expect(answered).toBeLessThan(flood.length);
  for (const answer of waiting) answer();
  await Promise.all(flood);
  cache.stop();
  publisher.close();
});

test('S-26: a key that auth has withdrawn is refused by whoever keeps the keys with their next refresh', async () => {
  const next = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'next' };
  let published: JWK[] = [publicJwk, next];
  const publisher = createServer((_request, response) => response.end(JSON.stringify({ keys: published })));
  await new Promise<void>((resolve) => publisher.listen(0, '127.0.0.1', resolve));
  const urls = [`http://127.0.0.1:${(publisher.address() as AddressInfo).port}`];
  const cache = createKeyCache({ urls, log, refreshMs: 100 });
  await cache.start();
  const refreshed = createTokenVerifier({ keys: cache, issuer: 'https://auth.realchat.local', audience: 'realchat' });
  expect(await refreshed.verify(token)).toMatchObject({ userId: claims.sub });
  published = [next];
  const verify = async () => refreshed.verify(token);
  const isRefused = () =>
    verify().then(
      () => false,
      () => true,
    );
  await until('the token is refused', isRefused, 2_000);
  cache.stop();
  publisher.close();
});

test('S-21: a flood of unknown key ids makes one fetch of the keys', async () => {
  let fetches = 0;
  const publisher = createServer((_request, response) => {
    fetches += 1;
    response.end(JSON.stringify({ keys: [publicJwk] }));
  });
  await new Promise<void>((resolve) => publisher.listen(0, '127.0.0.1', resolve));
  const cache = createKeyCache({ urls: [`http://127.0.0.1:${(publisher.address() as AddressInfo).port}`], log });
  await cache.start();
  const flooded = createTokenVerifier({ keys: cache, issuer: 'https://auth.realchat.local', audience: 'realchat' });
  const [, payload, signature] = token.split('.');
  for (let index = 0; index < 10_000; index++)
    await expect(flooded.verify(`${head({ kid: `unknown-${index}` })}.${payload}.${signature}`)).rejects.toThrow();
  expect(await flooded.verify(token)).toMatchObject({ userId: claims.sub });
  expect(fetches).toBeLessThanOrEqual(2);
  cache.stop();
  publisher.close();
});
