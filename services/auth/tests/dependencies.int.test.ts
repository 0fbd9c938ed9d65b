import { createTestDatabase, refusalOf, startProxyFor, until } from '@realchat/testkit';
import { expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

const AWAY = { code: 'UNAVAILABLE', reason: 'DEPENDENCY_UNAVAILABLE', retryAfterMs: 1_000 };

async function readiness({ service }: AuthFixture): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${service.ports.ops}/readyz`);
  return [response.status, await response.text()];
}

test('while the database is away every call says UNAVAILABLE and when to come back; afterwards all goes on', async () => {
  const direct = await createTestDatabase(migrations);
  const { proxy, address } = await startProxyFor(direct);
  const fixture = await startAuth({ DATABASE_URL: address, DATABASE_URL_BESIDE: direct });
  const username = someUsername();
  const { userId, refreshToken } = await fixture.auth.register({ username, password: PASSWORD });
  expect(await readiness(fixture)).toEqual([200, 'ready\n']);

  proxy.cut();
  const calls = {
    register: () => fixture.auth.register({ username: someUsername(), password: PASSWORD }),
    login: () => fixture.auth.login({ username, password: PASSWORD }),
    refresh: () => fixture.auth.refreshSession({ refreshToken }),
    logout: () => fixture.auth.logout({ refreshToken }),
  };
  for (const call of Object.values(calls)) {
    const refusal = await refusalOf(call());
    expect(refusal).toMatchObject(AWAY);
    expect(refusal.message).not.toMatch(/ECONN|postgres|127\.0\.0\.1|sql/i);
  }
  expect(await refusalOf(fixture.accounts.findMissingAccounts({ userIds: [userId] }))).toMatchObject({
    code: 'UNAVAILABLE',
  });
  expect(await readiness(fixture)).toEqual([503, 'the database does not answer\n']);
  expect((await fetch(fixture.jwksUrl)).status).toBe(200);

  proxy.restore();
  await fixture.auth.login({ username, password: PASSWORD });
  await fixture.auth.refreshSession({ refreshToken });
  expect(await readiness(fixture)).toEqual([200, 'ready\n']);
  await fixture.stop();
  await proxy.stop();
});

test('a process that starts before its database waits for it, not ready, and comes up by itself', async () => {
  const direct = await createTestDatabase(migrations);
  const { proxy, address } = await startProxyFor(direct);
  proxy.cut();
  const fixture = await startAuth({ DATABASE_URL: address, DATABASE_URL_BESIDE: direct });
  expect(await readiness(fixture)).toEqual([503, 'no signing key yet\nthe database does not answer\n']);
  expect((await fetch(fixture.jwksUrl)).status).toBe(503);
  expect(await refusalOf(fixture.auth.login({ username: someUsername(), password: PASSWORD }))).toMatchObject(AWAY);

  proxy.restore();
  await until('ready', async () => (await readiness(fixture))[0] === 200);
  await fixture.auth.register({ username: someUsername(), password: PASSWORD });
  await fixture.stop();
  await proxy.stop();
});

test('with the broker away, accounts are made as ever, and the process stops in time', async () => {
  const fixture = await startAuth({ KAFKA_BROKERS: '127.0.0.1:1' });
  const begin = performance.now();
  for (let count = 0; count < 20; count++)
    await fixture.auth.register({ username: someUsername(), password: PASSWORD });
  expect(performance.now() - begin).toBeLessThan(10_000);
  expect(await readiness(fixture)).toEqual([200, 'ready\n']);

  const stopping = performance.now();
  await fixture.stop();
  expect(performance.now() - stopping).toBeLessThan(10_000);
});

test('a caller who gives up is no fault of ours, and leaves the queue', async () => {
  const fixture = await startAuth({ RATE_LIMITS: '{"*": 1000}' });
  const username = someUsername();
  await fixture.auth.register({ username, password: PASSWORD });
  const controller = new AbortController();
  const calls = Array.from({ length: 50 }, () =>
    fixture.auth.login({ username, password: PASSWORD }, { signal: controller.signal }),
  );
  const settled = Promise.allSettled(calls);
  await until('some wait', async () => (await fixture.metric('realchat_password_hashes_waiting')) > 20);
  controller.abort();
  // The first few may have been answered by then.
  const failed = (await settled).filter((outcome) => outcome.status === 'rejected');
  const refusals = await Promise.all(failed.map(({ reason }) => refusalOf(Promise.reject(reason))));
  expect(refusals.length).toBeGreaterThan(20);
  expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['CANCELLED']));
  await until('the queue is empty', async () => (await fixture.metric('realchat_password_hashes_waiting')) === 0);
  await fixture.auth.login({ username, password: PASSWORD });
  expect(fixture.lines.filter(({ message }) => message === 'call failed')).toEqual([]);
  await fixture.stop();
});
