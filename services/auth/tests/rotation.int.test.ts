import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { createKeyCache, createTokenVerifier } from '@realchat/rpc';
import { createTestDatabase, refusalOf, silentTelemetry, until } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { decodeProtectedHeader } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { type KeyTimes, keyTimes } from '../domain/key-times.ts';
import { type AuthFixture, PASSWORD, SECRET, someUsername, startAuth } from './auth-fixture.ts';

const TOKEN_INVALID = { code: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID' };
const run = promisify(execFile);
const fixtures: AuthFixture[] = [];

afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.stop()));
});

async function start(...args: Parameters<typeof startAuth>): Promise<AuthFixture> {
  const fixture = await startAuth(...args);
  fixtures.push(fixture);
  return fixture;
}

const keysOf = async ({ jwksUrl }: AuthFixture) => {
  const { keys } = (await (await fetch(jwksUrl)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};
const register = ({ auth }: AuthFixture) => auth.register({ username: someUsername(), password: PASSWORD });
const keyOf = (token: string) => decodeProtectedHeader(token).kid as string;
const signingKey = async (fixture: AuthFixture) => keyOf((await register(fixture)).accessToken);
const callsWith = ({ service }: AuthFixture, token: string) =>
  createTestClient(AuthContract, service.ports.grpc, token);

/** The operator's command, as a process. */
async function keysCommand({ databaseUrl }: AuthFixture, ...args: string[]): Promise<string> {
  const main = fileURLToPath(new URL('../keys-main.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [main, ...args], {
    env: { DATABASE_URL: databaseUrl, SIGNING_KEY_SECRET: SECRET },
  });
  return stdout;
}

describe('S-26: keys that rotate', () => {
  test('each is published ahead, signs in its time, and is gone after its last token; no good token is refused on the way', async () => {
    const DATABASE_URL = await createTestDatabase(migrations);
    const parts = { keyTimes: { periodMs: 4_000, knownMs: 1_000, retireMs: 2_500, reloadMs: 100 } };
    const [one, two] = [await start({ DATABASE_URL }, parts), await start({ DATABASE_URL }, parts)];
    const keys = createKeyCache({ urls: [one.jwksUrl], refreshMs: 200, log: silentTelemetry().log });
    await keys.start();
    const verifier = createTokenVerifier({ keys, issuer: 'https://auth.realchat.local', audience: 'realchat' });

    const [first] = await keysOf(one);
    const early = await register(one);
    const publishedAt = new Map<string, number>();
    const signedAt = new Map<string, number>();
    const begin = performance.now();
    while (signedAt.size < 3 || (await keysOf(one)).includes(first as string)) {
      const published = await keysOf(one);
      for (const keyId of published) publishedAt.set(keyId, publishedAt.get(keyId) ?? performance.now());
      for (const fixture of [one, two]) {
        const { accessToken } = await register(fixture);
        const keyId = keyOf(accessToken);
        signedAt.set(keyId, signedAt.get(keyId) ?? performance.now());
        expect(await verifier.verify(accessToken)).toMatchObject({ deviceId: expect.any(String) });
        await callsWith(two, accessToken).listSessions({});
      }
      expect(published.length).toBeLessThanOrEqual(3);
      expect(performance.now() - begin).toBeLessThan(30_000);
    }
    const [, , third = ''] = signedAt.keys();
    expect((signedAt.get(third) ?? 0) - (publishedAt.get(third) ?? 0)).toBeGreaterThan(3_000);
    // Of a key that has retired.
    expect(await refusalOf(callsWith(one, early.accessToken).listSessions({}))).toMatchObject(TOKEN_INVALID);
    const { rows } = await one.db.query('select count(*)::int as keys from signing_key');
    expect(rows[0].keys).toBeLessThanOrEqual(3);
    keys.stop();
  });

  test('many instances that find the next one due make one', async () => {
    const DATABASE_URL = await createTestDatabase(migrations);
    const first = await start({ DATABASE_URL });
    await first.db.query('update signing_key set sign_from = now() where sign_from > now()');
    const others = await Promise.all([1, 2, 3, 4].map(() => start({ DATABASE_URL })));
    for (const each of others) expect(await keysOf(each)).toHaveLength(3);
    const { rows } = await first.db.query('select publish_until from signing_key order by sign_from');
    expect(rows.map(({ publish_until }) => publish_until !== null)).toEqual([true, true, false]);
  });

  test('in a deployment, are known for longer than anyone keeps keys, and kept for longer than a token lives', () => {
    const { periodMs, knownMs, retireMs, reloadMs } = keyTimes(30);
    expect(periodMs).toBe(30 * 24 * 60 * 60 * 1_000);
    // Envoy's cache, the services', one reload of auth, and a minute for clocks.
    expect(knownMs).toBeGreaterThan(300_000 + 60_000 + reloadMs + 60_000);
    expect(retireMs).toBeGreaterThan(900_000 + reloadMs + 60_000);
  });
});

describe('S-26: the command over the keys', () => {
  /** An instance, the key that signs, and the next. */
  const started = async (times: Partial<KeyTimes> = {}) => {
    const fixture = await start({}, { keyTimes: { reloadMs: 100, ...times } });
    const before = await signingKey(fixture);
    const next = (await keysOf(fixture)).find((kid) => kid !== before) as string;
    return { fixture, before, next };
  };

  test('rotate has the next key sign, if everyone can know it by now; tokens of the one before still count', async () => {
    const { fixture, before, next } = await started();
    const { accessToken } = await register(fixture);
    await expect(keysCommand(fixture, 'rotate')).rejects.toMatchObject({ stderr: expect.stringContaining('600 s') });
    await fixture.db.query(`update signing_key set create_time = create_time - interval '11 minutes'`);
    expect(await keysCommand(fixture, 'rotate')).toMatch(new RegExp(`${before}  verifies.*${next}  signs`, 's'));
    await until('it signs', async () => (await signingKey(fixture)) === next);
    await callsWith(fixture, accessToken).listSessions({});
    await until('another one is next', async () => (await keysOf(fixture)).length === 3);
  });

  test('withdraw takes out a key at once: its tokens are refused, and the next one signs, which everyone knows already', async () => {
    const { fixture, before, next } = await started();
    const { accessToken, refreshToken } = await register(fixture);
    const calls = callsWith(fixture, accessToken);
    await calls.listSessions({});
    expect(await keysCommand(fixture, 'withdraw', before)).not.toContain(before);
    await until('it is not published', async () => !(await keysOf(fixture)).includes(before));
    expect(await refusalOf(calls.listSessions({}))).toMatchObject(TOKEN_INVALID);
    const answer = await fixture.auth.refreshSession({ refreshToken });
    expect(keyOf(answer.accessToken)).toBe(next);
    await callsWith(fixture, answer.accessToken).listSessions({});
  });

  test('withdraw of the next key makes another one, and leaves none between it and the one that signs', async () => {
    const { fixture, before, next } = await started();
    await keysCommand(fixture, 'withdraw', next);
    await until('another is next', async () => {
      const keys = await keysOf(fixture);
      return keys.length === 2 && !keys.includes(next);
    });
    expect(await signingKey(fixture)).toBe(before);
    const { rows } = await fixture.db.query(
      `select (select publish_until from signing_key where key_id = $1) > max(sign_from) as overlap from signing_key`,
      [before],
    );
    expect(rows).toEqual([{ overlap: true }]);
  });

  test('withdraw of every key makes new ones', async () => {
    const { fixture, before, next } = await started({ reloadMs: 60_000 });
    await keysCommand(fixture, 'withdraw', next);
    await keysCommand(fixture, 'withdraw', before);
    const restarted = await start({ DATABASE_URL: fixture.databaseUrl });
    expect([before, next]).not.toContain(await signingKey(restarted));
    expect(await keysOf(restarted)).toHaveLength(2);
  });

  test('says how it is used, and does nothing else', async () => {
    const fixture = await start();
    const before = await keysOf(fixture);
    for (const args of [[], ['delete'], ['withdraw'], ['withdraw', 'nobody'], ['list', 'more']])
      await expect(keysCommand(fixture, ...args)).rejects.toMatchObject({ code: 1 });
    expect(await keysCommand(fixture, 'list')).toContain(before[0]);
    expect(await keysOf(fixture)).toEqual(before);
  });
});
