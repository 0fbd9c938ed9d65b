import { randomUUID } from 'node:crypto';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { refusalOf, startProxyFor, startValkey, until } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

const WRONG = 'nine brave herons sing';
const DELAY_MS = 400;
// As in the table, with fewer tries so that the test makes fewer hashes.
const RATE_LIMITS = JSON.stringify({
  login_account_address: { count: 2, seconds: 60, burst: 4 },
  login_account: { count: 1, seconds: 60, burst: 8 },
});

/** What is decided is tested here, and not how fast Redis answers on a machine that has other things to do. */
const PATIENT = { limitsTimeoutMs: 5_000 };

let fixture: AuthFixture;
beforeAll(async () => {
  fixture = await startAuth({ RATE_LIMITS }, { ...PATIENT, strangerDelayMs: DELAY_MS });
});
afterAll(() => fixture.stop());

let hosts = 0;
const someAddress = () => `198.51.${++hosts >> 8}.${hosts & 255}`;

/** A client as the edge says where it is. */
const clientAt = (address: string, of = fixture) =>
  createTestClient(AuthService, of.service.ports.grpc, undefined, { 'x-forwarded-for': address });

async function register(): Promise<{ username: string; deviceId: string }> {
  const username = someUsername();
  const { deviceId } = await clientAt(someAddress()).register({ username, password: PASSWORD });
  return { username, deviceId };
}

const reasonOf = async (call: Promise<unknown>) => (await refusalOf(call)).reason;

async function timed(call: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await call;
  return performance.now() - begin;
}

test('S-46: who guesses at an account from one address is stopped after a few tries, and told when to come back', async () => {
  const { username } = await register();
  const client = clientAt('2001:db8:1:1::1');
  const neighbour = clientAt('2001:db8:1:1:ffff::2');
  for (let i = 0; i < 4; i++)
    expect(await reasonOf(client.login({ username, password: WRONG }))).toBe('BAD_CREDENTIALS');
  const refusal = await refusalOf(neighbour.login({ username, password: PASSWORD }));
  expect(refusal).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'RATE_LIMITED',
    metadata: { limit: 'login_account_address' },
  });
  expect(refusal.retryAfterMs).toBeGreaterThan(20_000);
  expect(refusal.retryAfterMs).toBeLessThanOrEqual(30_000);
});

test('S-46: 100 parallel guesses are no more than as many in turn', async () => {
  const { username } = await register();
  const client = clientAt(someAddress());
  const reasons = await Promise.all(
    Array.from({ length: 100 }, () => reasonOf(client.login({ username, password: WRONG }))),
  );
  const looked = reasons.filter((reason) => reason === 'BAD_CREDENTIALS').length;
  expect(Math.abs(looked - 4)).toBeLessThanOrEqual(1);
  expect(reasons.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(100 - looked);
});

test('S-46: guessing locks out nobody at another address, and not the owner of a known device at the same one', async () => {
  const { username, deviceId } = await register();
  const attacker = someAddress();
  for (let i = 0; i < 6; i++) await refusalOf(clientAt(attacker).login({ username, password: WRONG }));
  expect(await reasonOf(clientAt(attacker).login({ username, password: PASSWORD }))).toBe('RATE_LIMITED');
  await clientAt(someAddress()).login({ username, password: PASSWORD });
  await clientAt(attacker).login({ username, password: PASSWORD, deviceId });
});

test('S-46: a device is known by its logins: neither an invented one nor another account’s has tries of its own', async () => {
  const { username } = await register();
  const { deviceId: elsewhere } = await register();
  const attacker = clientAt(someAddress());
  for (let i = 0; i < 4; i++) await refusalOf(attacker.login({ username, password: WRONG, deviceId: randomUUID() }));
  for (const deviceId of [randomUUID(), elsewhere])
    expect(await reasonOf(attacker.login({ username, password: WRONG, deviceId }))).toBe('RATE_LIMITED');
});

test('S-46: one account from many addresses: each further try of a stranger waits, the owner does not, and none is refused', async () => {
  const { username, deviceId } = await register();
  for (let i = 0; i < 8; i++) await refusalOf(clientAt(someAddress()).login({ username, password: WRONG }));
  const before = await fixture.metric('realchat_password_tries_delayed_total');
  for (let i = 0; i < 3; i++) {
    const ms = await timed(reasonOf(clientAt(someAddress()).login({ username, password: WRONG })));
    expect(ms).toBeGreaterThanOrEqual(DELAY_MS - 5);
  }
  const owner = clientAt(someAddress());
  expect(await timed(owner.login({ username, password: PASSWORD, deviceId }))).toBeLessThan(DELAY_MS);
  // From somewhere new, on a device that nobody knows: late, but in.
  expect(await timed(owner.login({ username, password: PASSWORD }))).toBeGreaterThanOrEqual(DELAY_MS - 5);
  expect((await fixture.metric('realchat_password_tries_delayed_total')) - before).toBe(4);
  const line = fixture.lines.findLast(({ event }) => event === 'password_try_delayed');
  expect(line).toMatchObject({ client_address: expect.stringContaining('198.51.'), trace_id: expect.any(String) });
  expect(JSON.stringify(line)).not.toContain(username);
});

test('S-46, S-47: a name that nobody has is limited in the same way and words', async () => {
  const username = someUsername();
  const client = clientAt(someAddress());
  for (let i = 0; i < 4; i++)
    expect(await reasonOf(client.login({ username, password: WRONG }))).toBe('BAD_CREDENTIALS');
  const unknown = await refusalOf(client.login({ username, password: WRONG }));
  const known = await register();
  const other = clientAt(someAddress());
  for (let i = 0; i < 4; i++) await refusalOf(other.login({ username: known.username, password: WRONG }));
  const refusal = await refusalOf(other.login({ username: known.username, password: WRONG }));
  expect(refusal.message).toBe(unknown.message);
  expect({ ...refusal, details: '', retryAfterMs: 0 }).toEqual({ ...unknown, details: '', retryAfterMs: 0 });
});

test('right passwords do not count, however often', async () => {
  const { username } = await register();
  const client = clientAt(someAddress());
  for (let i = 0; i < 12; i++) await client.login({ username, password: PASSWORD });
});

test('tries that found no place in the queue of hashes do not count', async () => {
  const small = await startAuth({ RATE_LIMITS, LOGIN_QUEUE_SIZE: '0', DATABASE_URL: fixture.databaseUrl }, PATIENT);
  const { username } = await register();
  const client = clientAt(someAddress(), small);
  const rounds = await Promise.all(
    Array.from({ length: 4 }, () => Promise.allSettled([client.login({ username, password: PASSWORD })])),
  );
  expect(rounds.flat().some(({ status }) => status === 'fulfilled')).toBe(true);
  for (let i = 0; i < 4; i++)
    expect(await reasonOf(client.login({ username, password: WRONG }))).toBe('BAD_CREDENTIALS');
  await small.stop();
});

test('S-46: the password in force cannot be guessed by ChangePassword either', async () => {
  const username = someUsername();
  const { accessToken } = await clientAt(someAddress()).register({ username, password: PASSWORD });
  const client = createTestClient(AuthService, fixture.service.ports.grpc, accessToken);
  const change = (currentPassword: string) => client.changePassword({ currentPassword, newPassword: WRONG });
  for (let i = 0; i < 4; i++) expect(await reasonOf(change('twelve green ducks waddle'))).toBe('BAD_CREDENTIALS');
  expect(await reasonOf(change(PASSWORD))).toBe('RATE_LIMITED');
});

test('S-58: a login is never without limit: with Redis away half as many tries are looked at, in each process', async () => {
  const valkey = await startValkey();
  const { proxy, address } = await startProxyFor(valkey.url);
  const alone = await startAuth({ RATE_LIMITS, REDIS_URL: address, DATABASE_URL: fixture.databaseUrl });
  const { username } = await register();
  proxy.cut();
  await until('the fallback is in force', async () => (await alone.metric('realchat_rate_limit_fallback')) === 1);
  const client = clientAt(someAddress(), alone);
  const reasons = await Promise.all(
    Array.from({ length: 30 }, () => reasonOf(client.login({ username, password: WRONG }))),
  );
  expect(reasons.filter((reason) => reason === 'BAD_CREDENTIALS')).toHaveLength(2);
  expect(reasons.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(28);
  await clientAt(someAddress(), alone).login({ username, password: PASSWORD });
  await alone.stop();
  await proxy.stop();
  await valkey.stop();
});
