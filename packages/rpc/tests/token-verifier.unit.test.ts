import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '@realchat/gen/google/rpc/code';
import { createTelemetry } from '@realchat/telemetry';
import { AUDIENCE, ISSUER, startIssuer, type TestIssuer } from '@realchat/testkit/token-issuer';
import { generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createKeyCache, type KeyCache } from '../key-cache.ts';
import { RpcError } from '../rpc-error.ts';
import { createTokenVerifier, type TokenVerifier } from '../token-verifier.ts';

const { log } = createTelemetry({ service: 'test', instance: 'test', level: 'silent' });
let issuer: TestIssuer;
let keys: KeyCache;
let tokens: TokenVerifier;

beforeAll(async () => {
  issuer = await startIssuer();
  keys = createKeyCache({ urls: [issuer.url], log });
  await keys.start();
  tokens = createTokenVerifier({ keys, issuer: ISSUER, audience: AUDIENCE });
});

afterAll(async () => {
  keys.stop();
  await issuer.stop();
});

test('a good token names user, session, device and end', async () => {
  const caller = await tokens.verify(await issuer.sign());
  expect(caller).toMatchObject({ userId: 'user-1', sessionId: 'session-1', deviceId: 'device-1' });
  expect(caller.expiresAt).toBeGreaterThan(Date.now() + 200_000);
});

test('a token that was verified once is known without another signature check', async () => {
  const token = await issuer.sign();
  await tokens.verify(token);
  expect(tokens.verify(token)).not.toBeInstanceOf(Promise);
});

const now = () => Math.floor(Date.now() / 1000);
const refused: [string, () => Promise<string>, string][] = [
  ['S-01: no token', async () => '', 'TOKEN_MISSING'],
  ['S-15: alg none', async () => unsigned({ alg: 'none', typ: 'at+jwt' }), 'TOKEN_INVALID'],
  [
    'S-15: signature stripped',
    async () => `${(await issuer.sign()).split('.').slice(0, 2).join('.')}.`,
    'TOKEN_INVALID',
  ],
  ['S-16: HS256 in the header', async () => unsigned({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' }), 'TOKEN_INVALID'],
  ['S-17: kid with a path', () => issuer.sign({}, { kid: '../key-1' }), 'TOKEN_INVALID'],
  ['S-17: kid of 10 KB', () => issuer.sign({}, { kid: 'x'.repeat(10_000) }), 'TOKEN_INVALID'],
  ['S-17: crit', () => issuer.sign({}, { crit: ['urn:unknown'], 'urn:unknown': 1 }), 'TOKEN_INVALID'],
  ['S-18: wrong issuer', () => issuer.sign({ iss: 'https://other' }), 'TOKEN_INVALID'],
  ['S-18: wrong audience', () => issuer.sign({ aud: 'other' }), 'TOKEN_INVALID'],
  ['S-18: another type of token', () => issuer.sign({}, { typ: 'JWT' }), 'TOKEN_INVALID'],
  ['S-18: no subject', () => issuer.sign({ sub: undefined } as JWTPayload), 'TOKEN_INVALID'],
  ['S-19: expired', () => issuer.sign({ iat: now() - 600, exp: now() - 300 }), 'TOKEN_EXPIRED'],
  ['S-19: not yet valid', () => issuer.sign({ nbf: now() + 600 }), 'TOKEN_INVALID'],
  ['S-19: issued in the future', () => issuer.sign({ iat: now() + 600, exp: now() + 900 }), 'TOKEN_INVALID'],
  ['S-19: ends in the year 9999', () => issuer.sign({ exp: 253_370_764_800 }), 'TOKEN_INVALID'],
  ['S-20: 64 KB', () => issuer.sign({ padding: 'x'.repeat(64_000) }), 'TOKEN_INVALID'],
  ['another key', async () => issuer.sign({}, {}, (await generateKeyPair('ES256')).privateKey), 'TOKEN_INVALID'],
];

test.each(refused)('%s is refused', async (_name, make, reason) => {
  const token = await make();
  const error = await Promise.resolve()
    .then(() => tokens.verify(token))
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({ code: Code.UNAUTHENTICATED, reason });
});

test('S-21: a flood of unknown key ids makes one fetch', async () => {
  const before = issuer.fetches();
  const flood = await Promise.all(Array.from({ length: 200 }, (_, i) => issuer.sign({}, { kid: `unknown-${i}` })));
  const results = await Promise.allSettled(flood.map(async (token) => tokens.verify(token)));
  expect(results.every((result) => result.status === 'rejected')).toBe(true);
  expect(issuer.fetches() - before).toBeLessThanOrEqual(1);
});

test('an unknown key id is looked up although the clock of the machine was set back an hour', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const cache = createKeyCache({ urls: [issuer.url], log });
  onTestFinished(() => cache.stop());
  await expect(cache.find('unknown-1')).rejects.toBeInstanceOf(RpcError);
  vi.advanceTimersByTime(6_000);
  vi.setSystemTime(Date.now() - 3_600_000);
  const before = issuer.fetches();
  await expect(cache.find('unknown-2')).rejects.toBeInstanceOf(RpcError);
  expect(issuer.fetches() - before).toBe(1);
});

test('all who ask for a key that is being fetched get it', async () => {
  const cache = createKeyCache({ urls: [issuer.url], log });
  const found = await Promise.all(Array.from({ length: 5 }, () => cache.find('key-1')));
  expect(new Set(found).size).toBe(1);
  cache.stop();
});

test('keys are kept in a file, so that valid tokens pass in a process that starts while auth is away', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'keys-')), 'jwks.json');
  const other = await startIssuer();
  const first = createKeyCache({ urls: [other.url], file, log });
  await first.start();
  first.stop();
  const token = await other.sign();
  other.break();
  const second = createKeyCache({ urls: [other.url], file, log });
  await second.start();
  const verifier = createTokenVerifier({ keys: second, issuer: ISSUER, audience: AUDIENCE });
  expect(await verifier.verify(token)).toMatchObject({ userId: 'user-1' });
  second.stop();
  await other.stop();
});

test('keys are asked of the next publisher when one is away', async () => {
  const [away, other] = await Promise.all([startIssuer(), startIssuer()]);
  away.break();
  const cache = createKeyCache({ urls: ['http://127.0.0.1:9/jwks', away.url, other.url], log });
  await cache.start();
  const verifier = createTokenVerifier({ keys: cache, issuer: ISSUER, audience: AUDIENCE });
  expect(await verifier.verify(await other.sign())).toMatchObject({ userId: 'user-1' });
  cache.stop();
  await Promise.all([away.stop(), other.stop()]);
});

test('without any key a token cannot be judged: UNAVAILABLE, not a refusal of the token', async () => {
  const other = await startIssuer();
  other.break();
  const cache = createKeyCache({ urls: [other.url], log });
  await cache.start();
  const verifier = createTokenVerifier({ keys: cache, issuer: ISSUER, audience: AUDIENCE });
  await expect(verifier.verify(await other.sign())).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  cache.stop();
  await other.stop();
});

function unsigned(header: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part({ iss: ISSUER, aud: AUDIENCE, sub: 'u', sid: 's', did: 'd', iat: now(), exp: now() + 60 })}.`;
}

test('S-25: a token of a session that has ended is refused, remembered or not', async () => {
  const ended = new Set<string>();
  const verifier = createTokenVerifier({
    keys,
    issuer: ISSUER,
    audience: AUDIENCE,
    revoked: (sessionId) => ended.has(sessionId),
  });
  const reason = async (token: string) =>
    await Promise.resolve()
      .then(() => verifier.verify(token))
      .then(
        () => undefined,
        (error: RpcError) => [error.code, error.reason],
      );
  const [remembered, fresh, other] = [
    await issuer.sign({ sid: 'phone' }),
    await issuer.sign({ sid: 'phone', jti: 'another' }),
    await issuer.sign({ sid: 'tablet' }),
  ];
  expect(await reason(remembered)).toBeUndefined();
  ended.add('phone');
  for (const token of [remembered, fresh, fresh]) {
    expect(await reason(token)).toEqual([Code.UNAUTHENTICATED, 'TOKEN_REVOKED']);
  }
  expect(await reason(other)).toBeUndefined();
});

test('S-26: a token that is remembered is refused as soon as its key is taken out', async () => {
  let known = true;
  const verifier = createTokenVerifier({
    keys: {
      knows: () => known,
      find: (keyId) =>
        known ? keys.find(keyId) : Promise.reject(new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'gone')),
    },
    issuer: ISSUER,
    audience: AUDIENCE,
  });
  const token = await issuer.sign();
  await verifier.verify(token);
  expect(verifier.verify(token)).not.toBeInstanceOf(Promise);
  known = false;
  await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'TOKEN_INVALID' });
});
