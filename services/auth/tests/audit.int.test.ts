import { newTrace } from '@realchat/telemetry';
import { refusalOf } from '@realchat/testkit';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

let fixture: AuthFixture;

beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

test('S-67: each event of an account is a line with who, from where and which trace, and a count', async () => {
  const trace = newTrace();
  const username = someUsername();
  const made = await fixture.auth.register({ username, password: PASSWORD }, { trace });
  await refusalOf(fixture.auth.login({ username, password: 'nine brave herons sing' }, { trace }));
  await refusalOf(fixture.auth.login({ username: someUsername(), password: PASSWORD }, { trace }));
  const session = await fixture.auth.login({ username, password: PASSWORD }, { trace });
  const { refreshToken } = await fixture.auth.refreshSession({ refreshToken: session.refreshToken }, { trace });
  await fixture.auth.refreshSession({ refreshToken: session.refreshToken }, { trace });
  await fixture.auth.refreshSession({ refreshToken }, { trace });
  await refusalOf(fixture.auth.refreshSession({ refreshToken: session.refreshToken }, { trace }));
  await refusalOf(fixture.auth.refreshSession({ refreshToken }, { trace }));
  await fixture.auth.logout({ refreshToken: made.refreshToken }, { trace });

  const ids = (token: string) => ({ user_id: made.userId, session_id: decodeJwt(token)['sid'] });
  const [first, second] = [ids(made.accessToken), ids(session.accessToken)];
  const audited = fixture.lines.filter(({ trace_id, event }) => trace_id === trace.traceId && event);
  expect(audited.map(({ event, user_id, session_id }) => ({ event, user_id, session_id }))).toEqual([
    { event: 'registered', ...first },
    { event: 'login_failed', user_id: made.userId },
    { event: 'login_failed' },
    { event: 'logged_in', ...second },
    { event: 'session_refreshed', ...second },
    { event: 'session_refresh_repeated', ...second },
    { event: 'session_refreshed', ...second },
    { event: 'refresh_token_reused', ...second },
    { event: 'refresh_refused' },
    { event: 'logged_out', ...first },
  ]);
  for (const line of audited) expect(line).toMatchObject({ client_address: '127.0.0.1', time: expect.any(Number) });

  expect(await fixture.metric('realchat_registrations_total')).toBe(1);
  expect(await fixture.metric('realchat_logins_total', { outcome: 'ok' })).toBe(1);
  expect(await fixture.metric('realchat_logins_total', { outcome: 'bad_credentials' })).toBe(2);
  expect(await fixture.metric('realchat_session_refreshes_total', { outcome: 'reused' })).toBe(1);
  expect(await fixture.metric('realchat_sessions_ended_total', { reason: 'refresh_reuse' })).toBe(1);
  expect(await fixture.metric('realchat_sessions_ended_total', { reason: 'logout' })).toBe(1);
});

test('S-66: no password, token or name gets into a line, whatever becomes of the call', async () => {
  const username = someUsername();
  const password = 'canary in the coal mine';
  const made = await fixture.auth.register({ username, password });
  const session = await fixture.auth.login({ username, password });
  await refusalOf(fixture.auth.register({ username, password }));
  await refusalOf(fixture.auth.register({ username: password, password }));
  await refusalOf(fixture.auth.login({ username: password, password }));
  await refusalOf(fixture.auth.login({ username, password: `${password}!` }));
  await refusalOf(fixture.auth.refreshSession({ refreshToken: `${made.refreshToken}!` }));
  await refusalOf(fixture.auth.refreshSession({ refreshToken: made.refreshToken.toLowerCase() }));
  await fixture.auth.logout({ refreshToken: session.refreshToken });

  const written = JSON.stringify(fixture.lines);
  const secrets = [username, password, made.accessToken, made.refreshToken, session.accessToken, session.refreshToken];
  expect(fixture.lines.length).toBeGreaterThan(5);
  for (const secret of secrets) expect(written).not.toContain(secret);
});
