import { ProfileService as ProfileContract } from '@realchat/gen/realchat/profile/v1/profile_service';
import { refusalOf, startKafka, type TestKafka } from '@realchat/testkit';
import type { TestClient } from '@realchat/testkit/rpc-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Account, type ProfileFixture, someAccount, startProfile } from './profile-fixture.ts';

// Every RPC about one profile, by everyone who may ask. Who has no token is refused: test/e2e/refusals.e2e.test.ts.

/** Whose profile it is, someone else, and an account whose profile is not there yet. */
const CALLERS = ['self', 'another', 'newcomer'] as const;
type Caller = (typeof CALLERS)[number];
type Profiles = TestClient<typeof ProfileContract>;

let kafka: TestKafka;
let fixture: ProfileFixture;
let cast: Record<Caller, Account>;

beforeAll(async () => {
  kafka = await startKafka();
  fixture = await startProfile(kafka.broker);
});
afterAll(async () => {
  await fixture?.stop();
  await kafka?.stop();
});

beforeEach(async () => {
  cast = { self: someAccount(), another: someAccount(), newcomer: someAccount() };
  for (const { userId, username } of [cast.self, cast.another])
    await fixture.db.query(
      `insert into profile (user_id, username, display_name, create_time, account_position) values ($1, $2, 'Before', now(), 1)`,
      [userId, username],
    );
});

/** Each read answers the name to show of `self`. */
const READS: Record<string, (as: Profiles) => Promise<(string | undefined)[]>> = {
  GetProfile: async (as) => [
    (await as.getProfile({ key: { case: 'userId', value: cast.self.userId } })).profile?.displayName,
    (await as.getProfile({ key: { case: 'username', value: cast.self.username } })).profile?.displayName,
  ],
  BatchGetProfiles: async (as) =>
    (await as.batchGetProfiles({ userIds: [cast.self.userId] })).profiles.map(({ displayName }) => displayName),
  SearchProfiles: async (as) =>
    (await as.searchProfiles({ query: cast.self.username })).profiles.map(({ displayName }) => displayName),
};

/** Whose name to show the call changes; or why it is refused. */
const WRITES: Record<string, Record<Caller, { changes: Caller } | { reason: string }>> = {
  UpdateProfile: {
    self: { changes: 'self' },
    another: { changes: 'another' },
    newcomer: { reason: 'PROFILE_NOT_FOUND' },
  },
};

const as = async (caller: Caller) => fixture.as(await fixture.sign({ sub: cast[caller].userId }));

async function namesShown(): Promise<Record<string, string>> {
  const { rows } = await fixture.db.query<{ user_id: string; display_name: string }>(
    'select user_id, display_name from profile where user_id = any($1)',
    [Object.values(cast).map(({ userId }) => userId)],
  );
  const callerOf = (userId: string) => CALLERS.find((caller) => cast[caller].userId === userId);
  return Object.fromEntries(rows.map((row) => [callerOf(row.user_id), row.display_name]));
}

test('the tables have every RPC', () => {
  const names = [...Object.keys(READS), ...Object.keys(WRITES)];
  expect(names.toSorted()).toEqual(ProfileContract.methods.map(({ name }) => name).toSorted());
});

describe.each(Object.entries(READS))('%s of a profile', (_name, read) => {
  test.each(CALLERS)('by %s: OK, the same for all', async (caller) => {
    const answer = await read(await as(caller));
    expect(answer.length).toBeGreaterThan(0);
    expect(new Set(answer)).toEqual(new Set(['Before']));
    expect(await namesShown()).toEqual({ self: 'Before', another: 'Before' });
  });
});

describe.each(Object.entries(WRITES))('S-02: %s', (_name, expected) => {
  test.each(CALLERS.map((caller) => [caller, expected[caller]] as const))('by %s: %j', async (caller, outcome) => {
    const call = (await as(caller)).updateProfile({ displayName: 'After' });
    const before = { self: 'Before', another: 'Before' };
    if ('reason' in outcome) {
      expect(await refusalOf(call)).toMatchObject({ code: 'NOT_FOUND', reason: outcome.reason });
      expect(await namesShown()).toEqual(before);
      return;
    }
    await call;
    expect(await namesShown()).toEqual({ ...before, [outcome.changes]: 'After' });
  });

  test('names nobody: there is no way to change the profile of another', () => {
    expect(ProfileContract.method.updateProfile.input.fields.map(({ name }) => name)).toEqual(['display_name']);
  });
});
