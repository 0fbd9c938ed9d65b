import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { refusalOf } from '@realchat/testkit';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

let fixture: AuthFixture;
let username: string;
let sessionId: string;
let refreshToken: string;

beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

beforeEach(async () => {
  username = someUsername();
  const answer = await fixture.auth.register({ username, password: PASSWORD });
  refreshToken = answer.refreshToken;
  sessionId = decodeJwt(answer.accessToken)['sid'] as string;
});

describe('Logout', () => {
  test('ends the session with one event, however often it is called', async () => {
    await fixture.auth.logout({ refreshToken });
    await Promise.all(Array.from({ length: 20 }, () => fixture.auth.logout({ refreshToken })));
    expect(await fixture.sessionEndings(sessionId)).toEqual([SessionEndReason.LOGOUT]);
    expect(await refusalOf(fixture.auth.refreshSession({ refreshToken }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'REFRESH_TOKEN_INVALID',
    });
  });

  test('ends it by a token that was spent before, too', async () => {
    const { refreshToken: second } = await fixture.auth.refreshSession({ refreshToken });
    const { refreshToken: third } = await fixture.auth.refreshSession({ refreshToken: second });
    await fixture.auth.logout({ refreshToken });
    await refusalOf(fixture.auth.refreshSession({ refreshToken: third }));
    expect(await fixture.sessionEndings(sessionId)).toEqual([SessionEndReason.LOGOUT]);
  });

  test('leaves the other sessions of the account alone', async () => {
    const other = await fixture.auth.login({ username, password: PASSWORD });
    await fixture.auth.logout({ refreshToken });
    await fixture.auth.refreshSession({ refreshToken: other.refreshToken });
  });

  test('answers OK to what it does not know', async () => {
    for (const text of ['x', 'A'.repeat(86), '\0'.repeat(10)]) await fixture.auth.logout({ refreshToken: text });
  });

  test.each([[''], ['A'.repeat(257)]])('a token outside the contract is an invalid request: %j', async (text) => {
    expect(await refusalOf(fixture.auth.logout({ refreshToken: text }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: ['refresh_token'],
    });
  });

  test('of refreshes that race with a logout, none leaves a session that lives', async () => {
    const calls = Array.from({ length: 10 }, () => fixture.auth.refreshSession({ refreshToken }));
    const outcomes = Promise.allSettled(calls);
    await fixture.auth.logout({ refreshToken });
    const tokens = (await outcomes)
      .filter((outcome) => outcome.status === 'fulfilled')
      .map(({ value }) => value.refreshToken);
    for (const token of [refreshToken, ...tokens])
      expect(await refusalOf(fixture.auth.refreshSession({ refreshToken: token }))).toMatchObject({
        reason: 'REFRESH_TOKEN_INVALID',
      });
    expect(await fixture.sessionEndings(sessionId)).toEqual([SessionEndReason.LOGOUT]);
  });
});
