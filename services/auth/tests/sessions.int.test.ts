import { randomUUID } from 'node:crypto';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { refusalOf, until } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

const NEW_PASSWORD = 'nine brave herons sing';
const BAD_CREDENTIALS = { code: 'UNAUTHENTICATED', reason: 'BAD_CREDENTIALS' };
const REVOKED = { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' };
const REFRESH_INVALID = { code: 'UNAUTHENTICATED', reason: 'REFRESH_TOKEN_INVALID' };

/** A login and what it may do. */
interface Login {
  sessionId: string;
  userId: string;
  refreshToken: string;
  calls: TestClient<typeof AuthContract>;
}

let fixture: AuthFixture;
let username: string;
/** The account's first login. */
let first: Login;

beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

beforeEach(async () => {
  username = someUsername();
  first = toLogin(await fixture.auth.register({ username, password: PASSWORD, deviceId: 'tablet' }));
});

function toLogin(answer: { userId: string; accessToken: string; refreshToken: string }): Login {
  const sessionId = decodeJwt(answer.accessToken)['sid'] as string;
  const calls = createTestClient(AuthContract, fixture.service.ports.grpc, answer.accessToken);
  return { sessionId, userId: answer.userId, refreshToken: answer.refreshToken, calls };
}

const login = async (password = PASSWORD, deviceId = 'phone') =>
  toLogin(await fixture.auth.login({ username, password, deviceId }));
const stranger = async () => toLogin(await fixture.auth.register({ username: someUsername(), password: PASSWORD }));
const listed = async ({ calls }: Login) => (await calls.listSessions({})).sessions.map(({ sessionId }) => sessionId);

test('S-01: the calls that rule over sessions need a token, and the others do not', async () => {
  const nobody = createTestClient(AuthContract, fixture.service.ports.grpc);
  const forged = createTestClient(AuthContract, fixture.service.ports.grpc, 'forged');
  for (const method of ['listSessions', 'revokeSession', 'changePassword'] as const) {
    const missing = await refusalOf(nobody[method]({}));
    expect(missing).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' });
    expect(await refusalOf(forged[method]({}))).toMatchObject({ reason: 'TOKEN_INVALID' });
  }
  await forged.login({ username, password: PASSWORD });
});

describe('ListSessions', () => {
  test("shows the caller's live sessions, the one used last first, and which of them asks", async () => {
    const second = await login();
    const third = await login();
    await fixture.auth.refreshSession({ refreshToken: second.refreshToken });
    const { sessions } = await first.calls.listSessions({});
    expect(sessions.map(({ sessionId, deviceId, current }) => ({ sessionId, deviceId, current }))).toEqual([
      { sessionId: second.sessionId, deviceId: 'phone', current: false },
      { sessionId: third.sessionId, deviceId: 'phone', current: false },
      { sessionId: first.sessionId, deviceId: 'tablet', current: true },
    ]);
    const [refreshed, , unused] = sessions.map(({ createTime, refreshTime }) => {
      if (!createTime || !refreshTime) throw new Error('a time is missing');
      return timestampMs(refreshTime) - timestampMs(createTime);
    });
    expect(refreshed).toBeGreaterThan(0);
    expect(unused).toBe(0);
  });

  test('S-02: shows nothing of anyone else, and nothing that has ended', async () => {
    const [second, other] = [await login(), await stranger()];
    await fixture.auth.logout({ refreshToken: second.refreshToken });
    const idle = await login();
    await fixture.db.query(`update session set refresh_time = now() - interval '31 days' where session_id = $1`, [
      idle.sessionId,
    ]);
    expect(await listed(first)).toEqual([first.sessionId]);
    expect(await listed(other)).toEqual([other.sessionId]);
  });

  test('shows no more than 100', async () => {
    await fixture.db.query(
      `insert into session (session_id, user_id, device_id, token_hash, refresh_time, create_time)
       select gen_random_uuid(), user_id, 'many', '\\x00', now() + interval '1 minute', now() from session, generate_series(1, 120)
       where session_id = $1`,
      [first.sessionId],
    );
    expect(await listed(first)).toHaveLength(100);
  });
});

describe('RevokeSession', () => {
  test('S-24: ends another session of the account: its refresh token is refused, the others go on', async () => {
    const [second, third] = [await login(), await login()];
    await first.calls.revokeSession({ sessionId: second.sessionId });
    expect(await refusalOf(fixture.auth.refreshSession({ refreshToken: second.refreshToken }))).toMatchObject(
      REFRESH_INVALID,
    );
    await fixture.auth.refreshSession({ refreshToken: third.refreshToken });
    expect(await listed(first)).not.toContain(second.sessionId);
    expect(await fixture.sessionEndings(second.sessionId)).toEqual([SessionEndReason.REVOKED]);
  });

  test('S-25: its access token rules over no session any more from that moment', async () => {
    const second = await login();
    await first.calls.revokeSession({ sessionId: second.sessionId.toUpperCase() });
    for (const call of [
      () => second.calls.listSessions({}),
      () => second.calls.revokeSession({ sessionId: first.sessionId }),
      () => second.calls.changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }),
    ])
      expect(await refusalOf(call())).toMatchObject(REVOKED);
    expect(await listed(first)).toEqual([first.sessionId]);
  });

  test('again is no error and no second event; a session may end itself', async () => {
    const second = await login();
    await Promise.all(Array.from({ length: 10 }, () => first.calls.revokeSession({ sessionId: second.sessionId })));
    expect(await fixture.sessionEndings(second.sessionId)).toEqual([SessionEndReason.REVOKED]);
    await first.calls.revokeSession({ sessionId: first.sessionId });
    expect(await refusalOf(first.calls.listSessions({}))).toMatchObject(REVOKED);
  });

  test("S-02: has the same answer for an unknown session and somebody else's, and leaves that alone", async () => {
    const other = await stranger();
    const refusals = await Promise.all(
      [randomUUID(), other.sessionId].map((sessionId) => refusalOf(first.calls.revokeSession({ sessionId }))),
    );
    expect(refusals[0]).toMatchObject({ code: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND', fields: [] });
    expect(refusals[1]).toEqual(refusals[0]);
    expect(await listed(other)).toEqual([other.sessionId]);
    await fixture.auth.refreshSession({ refreshToken: other.refreshToken });
  });
});

describe('ChangePassword', () => {
  const change = (by: Login, currentPassword = PASSWORD, newPassword = NEW_PASSWORD) =>
    by.calls.changePassword({ currentPassword, newPassword });

  test('S-51, S-24: the new password counts, the old one does not, and every other session ends', async () => {
    const others = [await login(), await login(), await login()];
    const elsewhere = await stranger();
    expect(await change(first)).toMatchObject({ endedSessions: 3 });
    expect(await refusalOf(login(PASSWORD))).toMatchObject(BAD_CREDENTIALS);
    for (const { refreshToken, sessionId, calls } of others) {
      expect(await refusalOf(fixture.auth.refreshSession({ refreshToken }))).toMatchObject(REFRESH_INVALID);
      expect(await refusalOf(calls.listSessions({}))).toMatchObject(REVOKED);
      expect(await fixture.sessionEndings(sessionId)).toEqual([SessionEndReason.PASSWORD_CHANGED]);
    }
    expect(await fixture.sessionEndings(first.sessionId)).toEqual([]);
    await fixture.auth.refreshSession({ refreshToken: first.refreshToken });
    expect(await listed(await login(NEW_PASSWORD))).toHaveLength(2);
    await fixture.auth.refreshSession({ refreshToken: elsewhere.refreshToken });
  });

  test('S-51: needs the password in force: a wrong one is refused as at a login, and changes nothing', async () => {
    const other = await login();
    const refusal = await refusalOf(change(first, 'seven quiet otters drumm'));
    expect(refusal).toEqual(await refusalOf(login('seven quiet otters drumm')));
    expect(refusal).toMatchObject(BAD_CREDENTIALS);
    await fixture.auth.refreshSession({ refreshToken: other.refreshToken });
    await login(PASSWORD);
  });

  test('S-48: takes no password that Register would not', async () => {
    for (const password of ['passwordpassword', `${username}${username}`])
      expect(await refusalOf(change(first, PASSWORD, password))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'PASSWORD_TOO_COMMON',
        fields: ['new_password'],
      });
    for (const password of ['fourteen chars', 'x1!'.repeat(43), ''])
      expect(await refusalOf(change(first, PASSWORD, password))).toMatchObject({
        reason: 'INVALID_REQUEST',
        fields: ['new_password'],
      });
    expect(await refusalOf(change(first, ''))).toMatchObject({ fields: ['current_password'] });
    expect(await refusalOf(change(first, 'x'.repeat(129)))).toMatchObject({ fields: ['current_password'] });
    await login(PASSWORD);
  });

  test('of two at once from two sessions, one changes it and ends the other', async () => {
    const second = await login();
    const outcomes = await Promise.allSettled([change(first), change(second, PASSWORD, 'six proud badgers hum')]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const [winner, loser] = outcomes[0].status === 'fulfilled' ? [first, second] : [second, first];
    expect(await listed(winner)).toEqual([winner.sessionId]);
    expect(await refusalOf(loser.calls.listSessions({}))).toMatchObject(REVOKED);
  });

  test('S-24: no login that races with it leaves a session by the old password', async () => {
    for (let round = 0; round < 5; round++) {
      username = someUsername();
      const owner = toLogin(await fixture.auth.register({ username, password: PASSWORD }));
      const logins = Promise.allSettled(Array.from({ length: 8 }, () => login(PASSWORD)));
      await change(owner);
      const opened = (await logins).filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
      for (const { refreshToken } of opened)
        expect(await refusalOf(fixture.auth.refreshSession({ refreshToken }))).toMatchObject(REFRESH_INVALID);
      expect(await listed(owner)).toEqual([owner.sessionId]);
    }
  });

  test('S-50: waits in the queue of logins, and is refused with them when it is full', async () => {
    const small = await startAuth({
      DATABASE_URL: fixture.databaseUrl,
      LOGIN_QUEUE_SIZE: '0',
      RATE_LIMITS: '{"*": 1000}',
    });
    const { accessToken } = await fixture.auth.login({ username, password: PASSWORD });
    const calls = createTestClient(AuthContract, small.service.ports.grpc, accessToken);
    const refusals = await Promise.all(
      Array.from({ length: 20 }, () =>
        refusalOf(calls.changePassword({ currentPassword: NEW_PASSWORD, newPassword: NEW_PASSWORD })),
      ),
    );
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(['BAD_CREDENTIALS', 'LOGIN_QUEUE_FULL']));
    expect(refusals.find(({ reason }) => reason === 'LOGIN_QUEUE_FULL')?.retryAfterMs).toBeGreaterThan(0);
    await small.stop();
  });
});

test('S-25: an ending is known within 2 s to another instance, which then refuses the token unasked', async () => {
  const other = await startAuth({ DATABASE_URL: fixture.databaseUrl });
  const second = await fixture.auth.login({ username, password: PASSWORD });
  const elsewhere = createTestClient(AuthContract, other.service.ports.grpc, second.accessToken);
  await elsewhere.listSessions({});
  // The request is not valid: only the check of the token, which comes first, can refuse it so.
  const begin = performance.now();
  await fixture.auth.logout({ refreshToken: second.refreshToken });
  await until(
    'the token is refused before the request is read',
    async () => (await refusalOf(elsewhere.revokeSession({ sessionId: 'no id at all' }))).reason === 'TOKEN_REVOKED',
    2_000,
  );
  expect(performance.now() - begin).toBeLessThan(2_000);
  await other.stop();
});
