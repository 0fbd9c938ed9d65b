import { randomUUID } from 'node:crypto';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ProfileSchema } from '@realchat/gen/realchat/profile/v1/profile';
import { createTestDatabase, refusalOf, startKafka, startProxyFor, type TestKafka, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { type Account, type ProfileFixture, registration, someAccount, startProfile } from './profile-fixture.ts';

let kafka: TestKafka;

beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(() => kafka.stop());

describe('GetProfile', () => {
  let fixture: ProfileFixture;
  let account: Account;

  beforeAll(async () => {
    fixture = await startProfile(kafka.broker);
    account = someAccount();
    await fixture.publish(account.userId, registration(account));
    await until('the profile is there', () => find(fixture, account.userId));
  });
  afterAll(() => fixture.stop());

  test('answers a profile by user id and by username', async () => {
    const profile = {
      userId: account.userId,
      username: account.username,
      displayName: account.username,
      createTime: timestampFromMs(account.createTimeMs),
    };
    const keys = [
      { case: 'userId', value: account.userId },
      { case: 'userId', value: account.userId.toUpperCase() },
      { case: 'username', value: account.username },
    ] as const;
    for (const key of keys) expect((await fixture.profiles.getProfile({ key })).profile).toMatchObject(profile);
  });

  test('S-05: a profile has what its user shows to everyone, and nothing of the account', async () => {
    expect(ProfileSchema.fields.map(({ name }) => name)).toEqual([
      'user_id',
      'username',
      'display_name',
      'create_time',
    ]);
  });

  test('has no profile of who does not exist, and says so in the same words for each', async () => {
    const refusals = await Promise.all(
      [
        { case: 'userId', value: randomUUID() } as const,
        { case: 'username', value: someAccount().username } as const,
        { case: 'username', value: account.username.toUpperCase() } as const,
        { case: 'username', value: `${account.username}\0` } as const,
        { case: 'username', value: `' or 1=1 --` } as const,
        { case: 'username', value: `p%${account.username.slice(2)}` } as const,
      ].map((key) => refusalOf(fixture.profiles.getProfile({ key }))),
    );
    expect(refusals[0]).toMatchObject({ code: 'NOT_FOUND', reason: 'PROFILE_NOT_FOUND', fields: [] });
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
  });

  test.each([
    ['no key', undefined, 'key'],
    ['an id that is no UUID', { case: 'userId', value: 'marigold' }, 'user_id'],
    ['an empty id', { case: 'userId', value: '' }, 'user_id'],
    ['an id with a NUL', { case: 'userId', value: `${randomUUID()}\0` }, 'user_id'],
    ['a username that is too short', { case: 'username', value: 'ab' }, 'username'],
    ['a username that is too long', { case: 'username', value: 'a'.repeat(33) }, 'username'],
  ] as const)('refuses %s', async (_what, key, field) => {
    expect(await refusalOf(fixture.profiles.getProfile(key ? { key } : {}))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: [field],
    });
  });

  test('S-01: answers nobody without a valid token', async () => {
    const key = { case: 'userId', value: account.userId } as const;
    const expired = await fixture.sign({
      iat: Math.floor(Date.now() / 1000) - 600,
      exp: Math.floor(Date.now() / 1000) - 300,
    });
    const cases = [
      [undefined, 'TOKEN_MISSING'],
      ['forged', 'TOKEN_INVALID'],
      [await fixture.sign({}, { typ: 'JWT' }), 'TOKEN_INVALID'],
      [expired, 'TOKEN_EXPIRED'],
    ] as const;
    for (const [token, reason] of cases)
      expect(await refusalOf(fixture.as(token).getProfile({ key }))).toMatchObject({ code: 'UNAUTHENTICATED', reason });
    // Who may not ask is not told what is wrong with the question.
    expect(await refusalOf(fixture.as(undefined).getProfile({}))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

test('while the database is away GetProfile says UNAVAILABLE, events wait, and afterwards all goes on', async () => {
  const direct = await createTestDatabase(migrations);
  const { proxy, address } = await startProxyFor(direct);
  const fixture = await startProfile(kafka.broker, { DATABASE_URL: address, DATABASE_URL_BESIDE: direct });
  const ready = async () => (await fetch(`http://127.0.0.1:${fixture.service.ports.ops}/readyz`)).status;
  await until('ready', async () => (await ready()) === 200, 30_000);

  proxy.cut();
  const account = someAccount();
  await fixture.publish(account.userId, registration(account));
  const refusal = await refusalOf(fixture.profiles.getProfile({ key: { case: 'userId', value: account.userId } }));
  expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'DEPENDENCY_UNAVAILABLE', retryAfterMs: 1_000 });
  expect(await ready()).toBe(503);
  await until(
    'the event was tried',
    async () => (await fixture.metric('eventlog_handler_failures_total', { verdict: 'dependency' })) > 0,
  );

  proxy.restore();
  await until('the profile is made', () => find(fixture, account.userId), 20_000);
  expect(await fixture.metric('eventlog_dead_lettered_records_total')).toBe(0);
  expect(await ready()).toBe(200);
  await fixture.stop();
  await proxy.stop();
});

/** True once the profile can be read. */
async function find(fixture: ProfileFixture, userId: string): Promise<boolean> {
  return await fixture.profiles.getProfile({ key: { case: 'userId', value: userId } }).then(
    () => true,
    () => false,
  );
}
