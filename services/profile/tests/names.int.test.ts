import { randomBytes, randomUUID } from 'node:crypto';
import { refusalOf, startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { searchProfiles } from '../db/search-profiles.ts';
import { type Account, type ProfileFixture, registration, someAccount, startProfile } from './profile-fixture.ts';

let kafka: TestKafka;
let fixture: ProfileFixture;

beforeAll(async () => {
  kafka = await startKafka();
  fixture = await startProfile(kafka.broker);
});
afterAll(async () => {
  await fixture.stop();
  await kafka.stop();
});

/** Accounts whose profiles are there, one for each name to show. */
async function accountsNamed(...displayNames: string[]): Promise<Account[]> {
  const accounts: Account[] = [];
  for (const displayName of displayNames) {
    const account = someAccount();
    await fixture.db.query(
      `insert into profile (user_id, username, display_name, create_time, account_position) values ($1, $2, $3, now(), 1)`,
      [account.userId, account.username, displayName],
    );
    accounts.push(account);
  }
  return accounts;
}

const as = async (account: Account) => fixture.as(await fixture.sign({ sub: account.userId }));

/** What names begin with that no other test has. */
const somePrefix = () => `q${randomBytes(6).toString('hex')}`;

describe('BatchGetProfiles', () => {
  test('answers those that there are, in the order of the ids, and says nothing of the others', async () => {
    const [a, b] = (await accountsNamed('Ann', 'Ben')) as [Account, Account];
    const { profiles } = await fixture.profiles.batchGetProfiles({
      userIds: [b.userId, randomUUID(), a.userId.toUpperCase()],
    });
    expect(profiles.map(({ userId, displayName }) => [userId, displayName])).toEqual([
      [b.userId, 'Ben'],
      [a.userId, 'Ann'],
    ]);
    expect(profiles[0]?.createTime).toBeDefined();
    expect((await fixture.profiles.batchGetProfiles({ userIds: [randomUUID()] })).profiles).toEqual([]);
  });

  test('takes 100 ids', async () => {
    const accounts = await accountsNamed(...Array.from({ length: 100 }, (_, index) => `n${index}`));
    const { profiles } = await fixture.profiles.batchGetProfiles({ userIds: accounts.map(({ userId }) => userId) });
    expect(profiles.map(({ username }) => username)).toEqual(accounts.map(({ username }) => username));
  });

  test.each([
    ['no id', [], 'user_ids'],
    ['101 ids', Array.from({ length: 101 }, () => randomUUID()), 'user_ids'],
    ['an id twice', Array(2).fill('00000000-0000-4000-8000-000000000000'), 'user_ids'],
    ['what is no id', ["' or 1=1 --"], 'user_ids[0]'],
  ])('refuses %s', async (_what, userIds, field) => {
    expect(await refusalOf(fixture.profiles.batchGetProfiles({ userIds }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: [field],
    });
  });
});

describe('UpdateProfile', () => {
  test("changes the caller's own name to show, at once and for everyone, and the same again is no error", async () => {
    const [account, other] = (await accountsNamed('Before', 'Other')) as [Account, Account];
    const own = await as(account);
    for (let round = 0; round < 2; round++) {
      const { profile } = await own.updateProfile({ displayName: 'Zoë 👩‍👩‍👧 山田' });
      expect(profile).toMatchObject({
        userId: account.userId,
        username: account.username,
        displayName: 'Zoë 👩‍👩‍👧 山田',
      });
    }
    const seen = await fixture.profiles.batchGetProfiles({ userIds: [account.userId, other.userId] });
    expect(seen.profiles.map(({ displayName }) => displayName)).toEqual(['Zoë 👩‍👩‍👧 山田', 'Other']);
  });

  test('is not undone by account events that come later, or again', async () => {
    const account = someAccount();
    await fixture.publish(account.userId, registration(account, 3n));
    const own = await as(account);
    const update = () =>
      own.updateProfile({ displayName: 'Marigold' }).then(
        () => true,
        () => false,
      );
    await until('the profile is made', update);
    const renamed = { ...account, username: someAccount().username };
    await fixture.publish(account.userId, registration(account, 3n), registration(renamed, 4n));
    const read = async () =>
      (await fixture.profiles.getProfile({ key: { case: 'userId', value: account.userId } })).profile;
    await until('the event is seen', async () => (await read())?.username === renamed.username);
    expect(await read()).toMatchObject({ username: renamed.username, displayName: 'Marigold' });
  });

  test('of an account whose profile is not there yet is NOT_FOUND', async () => {
    const refusal = await refusalOf((await as(someAccount())).updateProfile({ displayName: 'Early' }));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', reason: 'PROFILE_NOT_FOUND' });
  });

  test.each(['', ' ', ' Ann', 'Ann ', '\u00a0Ann', 'An\nn', 'An\0n', 'An\u0085n', 'An\u2028n', 'a'.repeat(65)])(
    'refuses a name that shows nothing, breaks lines or is too long: %j',
    async (displayName) => {
      expect(await refusalOf(fixture.profiles.updateProfile({ displayName }))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_REQUEST',
        fields: ['display_name'],
      });
    },
  );
});

describe('SearchProfiles', () => {
  const found = async (query: string, pageSize = 50) => {
    const { profiles } = await fixture.profiles.searchProfiles({ query, pageSize });
    return profiles.map(({ userId }) => userId);
  };

  test('finds by the beginning of the username or of the name to show, upper and lower case alike', async () => {
    const prefix = somePrefix();
    const [ann, nothing] = (await accountsNamed(`${prefix.toUpperCase()} Ännchen`, `x${prefix}`)) as [Account, Account];
    for (const query of [prefix, `${prefix.toUpperCase()} ÄNN`, `${prefix} ännchen`])
      expect(await found(query)).toEqual([ann.userId]);
    expect(await found(`${prefix} annchen`)).toEqual([]);
    for (const query of [ann.username, ann.username.slice(0, -1), ann.username.toUpperCase()])
      expect(await found(query)).toEqual([ann.userId]);
    expect(await found(ann.username.slice(1))).toEqual([]);
    expect(await found(nothing.username)).toEqual([nothing.userId]);
  });

  test('S-53: takes every character literally', async () => {
    const prefix = somePrefix();
    const names = [`${prefix}%a`, `${prefix}_a`, `${prefix}\\a`, `${prefix}'a`, `${prefix}xa`];
    const accounts = await accountsNamed(...names);
    for (const [index, account] of accounts.entries())
      expect(await found(names[index] as string)).toEqual([account.userId]);
    expect(await found(`${prefix}%`)).toEqual([accounts[0]?.userId]);
    expect(await found(`${prefix}\\`)).toEqual([accounts[2]?.userId]);
    for (const query of ['%', '_', '\\', "' or 1=1 --", '%%%%']) expect(await found(query)).toEqual([]);
  });

  test('goes through all, in order of username, page by page', async () => {
    const prefix = somePrefix();
    const accounts = await accountsNamed(...Array.from({ length: 25 }, (_, index) => `${prefix} ${index}`));
    const inOrder = accounts.map(({ username }) => username).toSorted();
    const seen: string[] = [];
    const sizes: number[] = [];
    let pageToken = '';
    do {
      const page = await fixture.profiles.searchProfiles({ query: prefix, pageSize: 10, pageToken });
      seen.push(...page.profiles.map(({ username }) => username));
      sizes.push(page.profiles.length);
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(sizes).toEqual([10, 10, 5]);
    expect(seen).toEqual(inOrder);
    expect((await fixture.profiles.searchProfiles({ query: prefix })).profiles).toHaveLength(20);
    const exact = await fixture.profiles.searchProfiles({ query: prefix, pageSize: 25 });
    expect([exact.profiles.length, exact.nextPageToken]).toEqual([25, '']);
  });

  test.each([
    ['query', { query: '' }],
    ['query', { query: 'q'.repeat(65) }],
    ['query', { query: 'a\0' }],
    ['page_size', { pageSize: 51 }],
    ['page_size', { pageSize: -1 }],
    ['page_token', { pageToken: 'x'.repeat(257) }],
    ['page_token', { pageToken: 'not a token' }],
    ['page_token', { pageToken: Buffer.from("' or 1=1 --").toString('base64url') }],
  ])('S-09: refuses a wrong %s: %j', async (field, wrong) => {
    expect(await refusalOf(fixture.profiles.searchProfiles({ query: 'ann', ...wrong }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: [field],
    });
  });

  test('is served by indexes: of many profiles, only those that begin so are looked at', async () => {
    await fixture.db.query(
      `insert into profile (user_id, username, display_name, create_time, account_position)
       select gen_random_uuid(), 'many' || n, 'Many ' || n, now(), 1 from generate_series(1, 20000) n`,
    );
    await fixture.db.query('analyze profile');
    const asked: string[] = [];
    const explaining = {
      query: async (text: string, values: unknown[]) => {
        const { rows } = await fixture.db.query(`explain ${text}`, values);
        asked.push(...rows.map((row) => row['QUERY PLAN']));
        return { rows: [] };
      },
    };
    await searchProfiles(explaining as never, { prefix: 'many 12345', after: '', limit: 21 });
    const plan = asked.join('\n');
    expect(plan).toContain('profile_username');
    expect(plan).toContain('profile_display_name');
    expect(plan).not.toContain('Seq Scan');
    await fixture.db.query(`delete from profile where username like 'many%'`);
  });
});

test.each(['batchGetProfiles', 'updateProfile', 'searchProfiles'] as const)(
  'S-01: %s answers nobody without a valid token',
  async (method) => {
    for (const [token, reason] of [
      [undefined, 'TOKEN_MISSING'],
      ['forged', 'TOKEN_INVALID'],
    ] as const)
      expect(await refusalOf(fixture.as(token)[method]({}))).toMatchObject({ code: 'UNAUTHENTICATED', reason });
  },
);
