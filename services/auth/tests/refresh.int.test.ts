import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { refusalOf } from '@realchat/testkit';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { purgeSessions } from '../db/purge-sessions.ts';
import { createRefreshTokens } from '../domain/refresh-token.ts';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

const INVALID = { code: 'UNAUTHENTICATED', reason: 'REFRESH_TOKEN_INVALID' };
const REUSED = { code: 'UNAUTHENTICATED', reason: 'REFRESH_TOKEN_REUSED' };

let fixture: AuthFixture;
let userId: string;
let sessionId: string;
/** The session's first refresh token. */
let first: string;

beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

beforeEach(async () => {
  const answer = await fixture.auth.register({ username: someUsername(), password: PASSWORD, deviceId: 'tablet' });
  userId = answer.userId;
  first = answer.refreshToken;
  sessionId = decodeJwt(answer.accessToken)['sid'] as string;
});

const refresh = (refreshToken: string) => fixture.auth.refreshSession({ refreshToken });

describe('RefreshSession', () => {
  test('answers a new pair of the same session and device, again and again', async () => {
    let refreshToken = first;
    const seen = new Set([first]);
    for (let round = 0; round < 5; round++) {
      const answer = await refresh(refreshToken);
      expect(answer).toMatchObject({ userId, deviceId: 'tablet' });
      expect(decodeJwt(answer.accessToken)).toMatchObject({ sub: userId, sid: sessionId, did: 'tablet' });
      refreshToken = answer.refreshToken;
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(6);
    expect(await endings()).toEqual([]);
  });

  test('within 10 s a spent token gets the same successor again, so that a lost answer costs nothing', async () => {
    const lost = await refresh(first);
    await shiftSession(`refresh_time = refresh_time - interval '9 seconds'`);
    const again = await refresh(first);
    expect(again.refreshToken).toBe(lost.refreshToken);
    await refresh(again.refreshToken);
    expect(await endings()).toEqual([]);
  });

  test('S-22: after 10 s a spent token ends the session: no token of it works any more', async () => {
    const { refreshToken: successor } = await refresh(first);
    await shiftSession(`refresh_time = refresh_time - interval '11 seconds'`);
    expect(await refusalOf(refresh(first))).toMatchObject(REUSED);
    expect(await refusalOf(refresh(successor))).toMatchObject(INVALID);
    expect(await refusalOf(refresh(first))).toMatchObject(INVALID);
    expect(await endings()).toEqual([SessionEndReason.REFRESH_REUSE]);
  });

  test('S-22: the grace is for the newest spent token alone: its parent ends the session at once', async () => {
    const { refreshToken: second } = await refresh(first);
    const { refreshToken: third } = await refresh(second);
    expect(await refusalOf(refresh(first))).toMatchObject(REUSED);
    expect(await refusalOf(refresh(third))).toMatchObject(INVALID);
    expect(await endings()).toEqual([SessionEndReason.REFRESH_REUSE]);
  });

  test('S-22: a token that was spent long ago is known again, although no trace of it is kept', async () => {
    let refreshToken = first;
    for (let round = 0; round < 20; round++) refreshToken = (await refresh(refreshToken)).refreshToken;
    expect(await refusalOf(refresh(first))).toMatchObject(REUSED);
    expect(await refusalOf(refresh(refreshToken))).toMatchObject(INVALID);
  });

  test('S-23: of 50 parallel refreshes of one token all get the same successor, and it works', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(first)));
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    await refresh(answers[0]?.refreshToken as string);
    const { rows } = await fixture.db.query('select count(*) as sessions from session where user_id = $1', [userId]);
    expect(rows).toEqual([{ sessions: 1n }]);
    expect(await endings()).toEqual([]);
  });

  test('S-23: of 50 parallel reuses one ends the session, with one event', async () => {
    await refresh(first);
    await shiftSession(`refresh_time = refresh_time - interval '11 seconds'`);
    const refusals = await Promise.all(Array.from({ length: 50 }, () => refusalOf(refresh(first))));
    expect(refusals.filter(({ reason }) => reason === 'REFRESH_TOKEN_REUSED')).toHaveLength(1);
    expect(refusals.filter(({ reason }) => reason === 'REFRESH_TOKEN_INVALID')).toHaveLength(49);
    expect(await endings()).toEqual([SessionEndReason.REFRESH_REUSE]);
  });

  test('S-24: a session ends 30 days after its last refresh', async () => {
    await shiftSession(`refresh_time = refresh_time - interval '29 days 23 hours'`);
    const { refreshToken } = await refresh(first);
    await shiftSession(`refresh_time = refresh_time - interval '30 days 1 second'`);
    expect(await refusalOf(refresh(refreshToken))).toMatchObject(INVALID);
  });

  test('a session is deleted a day after nothing can wake it, and not before', async () => {
    const exists = async () => {
      await purgeSessions(fixture.db, 1_000);
      return (await fixture.db.query('select 1 from session where session_id = $1', [sessionId])).rowCount === 1;
    };
    await shiftSession(`refresh_time = refresh_time - interval '29 days'`);
    expect(await exists()).toBe(true);
    const { refreshToken } = await refresh(first);
    await fixture.auth.logout({ refreshToken });
    expect(await exists()).toBe(true);
    await shiftSession(`refresh_time = refresh_time - interval '32 days'`);
    expect(await exists()).toBe(false);
    expect(await refusalOf(refresh(refreshToken))).toMatchObject(INVALID);
    await fixture.auth.logout({ refreshToken });
  });

  test('S-24: a session ends 90 days after it was opened, and no access token outlives it', async () => {
    await shiftSession(`create_time = create_time - interval '90 days' + interval '1 minute'`);
    const last = await refresh(first);
    const { exp = 0, iat = 0 } = decodeJwt(last.accessToken);
    expect(exp - iat).toBeGreaterThan(50);
    expect(exp - iat).toBeLessThanOrEqual(60);
    await shiftSession(`create_time = create_time - interval '1 minute 1 second'`);
    expect(await refusalOf(refresh(last.refreshToken))).toMatchObject(INVALID);
  });

  test('S-24: after logout no token of the session works, within the grace or not', async () => {
    const { refreshToken: successor } = await refresh(first);
    await fixture.auth.logout({ refreshToken: successor });
    expect(await refusalOf(refresh(successor))).toMatchObject(INVALID);
    expect(await refusalOf(refresh(first))).toMatchObject(INVALID);
  });

  test('a made-up token of a real session neither works nor ends it', async () => {
    const forged = createRefreshTokens('the secret of somebody else, 32 characters').first(sessionId).text;
    expect(await refusalOf(refresh(forged))).toMatchObject(INVALID);
    await fixture.auth.logout({ refreshToken: forged });
    await refresh(first);
    expect(await endings()).toEqual([]);
  });

  test.each([['x'], ['not.a.token'], ['A'.repeat(86)], ['A'.repeat(256)], ['\0'.repeat(86)], [`' or 1=1; --`]])(
    'what is no token is refused: %j',
    async (text) => {
      expect(await refusalOf(refresh(text))).toMatchObject(INVALID);
    },
  );

  test.each([[''], ['A'.repeat(257)]])('a token outside the contract is an invalid request: %j', async (text) => {
    expect(await refusalOf(refresh(text))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: ['refresh_token'],
    });
  });
});

/** Lets time pass for the session. */
async function shiftSession(change: string): Promise<void> {
  await fixture.db.query(`update session set ${change} where session_id = $1`, [sessionId]);
}

/** The reasons of the session's endings, as the log has them. */
async function endings(): Promise<SessionEndReason[]> {
  return await fixture.sessionEndings(sessionId);
}
