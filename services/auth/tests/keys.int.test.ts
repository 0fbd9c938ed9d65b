import { createTestDatabase, refusalOf } from '@realchat/testkit';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

interface KeySet {
  keys: Record<string, unknown>[];
}

const OTHER_SECRET = 'a secret that seals other keys than these';

describe('the published keys', () => {
  let fixture: AuthFixture;
  beforeAll(async () => {
    fixture = await startAuth();
  });
  afterAll(() => fixture.stop());

  test('are served for anyone to keep for five minutes, with nothing private in them', async () => {
    const response = await fetch(fixture.jwksUrl);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(response.headers.get('content-type')).toBe('application/json');
    const { keys } = (await response.json()) as KeySet;
    expect(keys).toHaveLength(2);
    expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });

    const { accessToken } = await fixture.auth.register({ username: someUsername(), password: PASSWORD });
    expect(decodeProtectedHeader(accessToken).kid).toBe(keys[0]?.['kid']);
  });

  test('are all that is served there', async () => {
    const base = new URL(fixture.jwksUrl).origin;
    for (const path of ['/', '/metrics', '/.well-known/jwks.json/', '/.well-known/../.well-known/JWKS.json'])
      expect((await fetch(base + path)).status).toBe(404);
    expect((await fetch(fixture.jwksUrl, { method: 'POST', body: '{}' })).status).toBe(405);
    const head = await fetch(fixture.jwksUrl, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('rest in the database with the private part sealed', async () => {
    const { rows } = await fixture.db.query(
      'select row_to_json(signing_key) as row, sealed_private_jwk from signing_key',
    );
    expect(rows).toHaveLength(2);
    for (const { row, sealed_private_jwk: sealed } of rows) {
      expect(JSON.stringify(row)).not.toContain('"d"');
      expect(sealed.toString('latin1')).not.toMatch(/"d"|kty|P-256/);
    }
  });
});

test('three instances that start at once on a new database share their keys', async () => {
  const DATABASE_URL = await createTestDatabase(migrations);
  const fixtures = await Promise.all([1, 2, 3].map(() => startAuth({ DATABASE_URL })));
  const sets = await Promise.all(fixtures.map(async ({ jwksUrl }) => (await fetch(jwksUrl)).text()));
  expect(new Set(sets).size).toBe(1);
  expect((JSON.parse(sets[0] as string) as KeySet).keys).toHaveLength(2);
  await Promise.all(fixtures.map((fixture) => fixture.stop()));
});

test('a restart signs with the same key', async () => {
  const first = await startAuth();
  const before = await (await fetch(first.jwksUrl)).text();
  await first.stop();
  const second = await startAuth({ DATABASE_URL: first.databaseUrl });
  expect(await (await fetch(second.jwksUrl)).text()).toBe(before);
  await second.stop();
});

describe('with a secret that does not open the keys', () => {
  let original: AuthFixture;
  let fixture: AuthFixture;
  beforeAll(async () => {
    original = await startAuth();
    fixture = await startAuth({ DATABASE_URL: original.databaseUrl, SIGNING_KEY_SECRET: OTHER_SECRET });
  });
  afterAll(() => Promise.all([original.stop(), fixture.stop()]));

  test('the process lives, is not ready, says why, and signs nothing', async () => {
    const username = someUsername();
    expect(await refusalOf(fixture.auth.register({ username, password: PASSWORD }))).toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterMs: 1_000,
    });
    await original.auth.register({ username, password: PASSWORD });
    const ready = await fetch(`http://127.0.0.1:${fixture.service.ports.ops}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'no signing key yet\n']);
    expect(fixture.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('SIGNING_KEY_SECRET') }),
    );
  });

  test('a refresh that cannot be signed does not spend its token', async () => {
    const { refreshToken } = await original.auth.register({ username: someUsername(), password: PASSWORD });
    expect(await refusalOf(fixture.auth.refreshSession({ refreshToken }))).toMatchObject({ code: 'UNAVAILABLE' });
    const { refreshToken: second } = await original.auth.refreshSession({ refreshToken });
    expect(await refusalOf(fixture.auth.refreshSession({ refreshToken: second }))).toMatchObject({
      code: 'UNAVAILABLE',
    });
    await original.auth.refreshSession({ refreshToken: second });
  });

  test('after the old keys are given up, tokens in force go on under the new secret', async () => {
    const { refreshToken } = await original.auth.register({ username: someUsername(), password: PASSWORD });
    await original.db.query('delete from signing_key');
    const next = await startAuth({ DATABASE_URL: original.databaseUrl, SIGNING_KEY_SECRET: OTHER_SECRET });
    const answer = await next.auth.refreshSession({ refreshToken });
    await next.auth.refreshSession({ refreshToken: answer.refreshToken });
    await next.stop();
  });
});
