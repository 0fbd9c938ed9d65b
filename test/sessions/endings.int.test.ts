import { randomBytes } from 'node:crypto';
import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { formatTraceparent, newTrace } from '@realchat/telemetry';
import { refusalOf, until } from '@realchat/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rawClient } from '../../edge/gateway/tests/raw-client.ts';
import { endSession } from '../../services/auth/db/end-session.ts';
import { type Login, NEW_PASSWORD, PASSWORD, type SessionsMesh, startSessionsMesh } from './mesh.ts';

const REVOKED = { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' };
const WITHIN_MS = 2_000;

let mesh: SessionsMesh;
let username: string;
/** Two logins of one user: one goes on, the other ends. */
let staying: Login;
let ending: Login;

beforeAll(async () => {
  mesh = await startSessionsMesh();
});
afterAll(() => mesh.stop());

beforeEach(async () => {
  username = `u${randomBytes(8).toString('hex')}`;
  staying = await mesh.register(username);
  ending = await mesh.login(username);
});

/** Opens what a login can hold open. */
async function open(login: Login) {
  const stream = login.openStream();
  await stream.caughtUp();
  const [socket, second] = [await login.openSocket(), await login.openSocket()];
  const ended = Promise.all([stream.refusal(), socket.closed, second.closed]);
  let isOpen = true;
  void ended.finally(() => {
    isOpen = false;
  });
  return {
    stream,
    ended,
    isOpen: () => isOpen,
    close: () => {
      stream.close();
      socket.socket.terminate();
      second.socket.terminate();
    },
  };
}

/** Whether every service refuses the login's access token. */
async function isRefusedEverywhere(login: Login): Promise<boolean> {
  const refusals = await Promise.all(
    [
      login.auth.listSessions({}),
      login.conversations.listConversations({}),
      login.profiles.searchProfiles({ query: 'a' }),
    ].map((call) =>
      call.then(
        () => undefined,
        () => refusalOf(call),
      ),
    ),
  );
  return refusals.every((refusal) => refusal?.reason === REVOKED.reason);
}

/** Trades the refresh token in and lets its grace pass. */
async function spendRefreshToken({ refreshToken, sessionId }: Login): Promise<void> {
  await mesh.anonymous.refreshSession({ refreshToken });
  await mesh.authDb.query(
    `update session set refresh_time = refresh_time - interval '11 seconds' where session_id = $1`,
    [sessionId],
  );
}

const endings: [string, () => Promise<unknown>, (() => Promise<unknown>)?][] = [
  ['S-25: logout', () => mesh.anonymous.logout({ refreshToken: ending.refreshToken })],
  ['RevokeSession', () => staying.auth.revokeSession({ sessionId: ending.sessionId })],
  [
    'S-22: the reuse of a refresh token',
    () => refusalOf(mesh.anonymous.refreshSession({ refreshToken: ending.refreshToken })),
    () => spendRefreshToken(ending),
  ],
  [
    'S-51: a changed password',
    () => staying.auth.changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }),
  ],
];

describe('within 2 s, streams and sockets end and calls are refused, and those of another login go on, after', () => {
  test.each(endings)('%s', async (_what, end, prepare) => {
    const [going, held] = [await open(staying), await open(ending)];
    await prepare?.();
    expect([going.isOpen(), held.isOpen()]).toEqual([true, true]);
    const begin = performance.now();
    await end();
    const [stream, ...sockets] = await held.ended;
    await until('every service refuses its token', () => isRefusedEverywhere(ending), WITHIN_MS);
    expect(performance.now() - begin).toBeLessThan(WITHIN_MS);
    expect(stream).toMatchObject(REVOKED);
    for (const socket of sockets) expect(socket).toEqual({ code: 4401, reason: 'TOKEN_REVOKED' });

    // What is opened from now on is refused.
    const late = await rawClient(mesh.webSocketUrl);
    late.send({ kind: { case: 'hello', value: { accessToken: ending.accessToken } } });
    expect(await late.closed).toEqual({ code: 4401, reason: 'TOKEN_REVOKED' });
    expect(await ending.openStream().refusal()).toMatchObject(REVOKED);

    expect(going.isOpen()).toBe(true);
    await staying.conversations.listConversations({});
    going.close();
  });
});

test('S-30, S-33: a socket goes on in place with the next token of its login, and not with one of a login that ended', async () => {
  const socket = await ending.openSocket();
  const next = mesh.toLogin(await mesh.anonymous.refreshSession({ refreshToken: ending.refreshToken }));
  socket.send({ kind: { case: 'refresh', value: { accessToken: next.accessToken } } });
  await socket.heard('refreshed');

  const anonymous = await rawClient(mesh.webSocketUrl);
  await anonymous.hello('');
  await staying.auth.revokeSession({ sessionId: ending.sessionId });
  expect(await socket.closed).toEqual({ code: 4401, reason: 'TOKEN_REVOKED' });
  anonymous.send({ kind: { case: 'refresh', value: { accessToken: next.accessToken } } });
  expect(await anonymous.closed).toEqual({ code: 4401, reason: 'TOKEN_REVOKED' });
});

test("S-25: an ending that nobody was told of, since auth died right after its commit, is told of by auth's event", async () => {
  const held = await open(ending);
  const begin = performance.now();
  const ended = await endSession(mesh.authDb, {
    sessionId: ending.sessionId,
    reason: SessionEndReason.LOGOUT,
    traceparent: formatTraceparent(newTrace()),
  });
  expect(ended?.userId).toBe(ending.userId);
  const [stream, ...sockets] = await held.ended;
  await until('every service refuses its token', () => isRefusedEverywhere(ending), WITHIN_MS);
  expect(performance.now() - begin).toBeLessThan(WITHIN_MS);
  expect(stream).toMatchObject(REVOKED);
  for (const socket of sockets) expect(socket).toEqual({ code: 4401, reason: 'TOKEN_REVOKED' });
});

test('with Redis dead, logouts and logins work, streams go on; when it is back, what ended meanwhile ends, also for a new process', async () => {
  const held = await open(ending);
  await mesh.valkey.process.kill('SIGKILL', { restart: false });
  const begin = performance.now();
  await mesh.anonymous.logout({ refreshToken: ending.refreshToken });
  await mesh.login(username);
  expect(performance.now() - begin).toBeLessThan(1_500);
  // Access tokens live to their end; what rules over sessions asks the database.
  await ending.conversations.listConversations({});
  expect(await refusalOf(ending.auth.listSessions({}))).toMatchObject(REVOKED);
  expect(held.isOpen()).toBe(true);

  await mesh.valkey.process.start();
  const [stream, ...sockets] = await held.ended;
  expect(stream).toMatchObject(REVOKED);
  for (const socket of sockets) expect(socket.reason).toBe('TOKEN_REVOKED');
  await until('every service refuses its token', () => isRefusedEverywhere(ending), 5_000);
  const another = await mesh.anotherMessaging(ending.accessToken);
  expect(await refusalOf(another.listConversations({}))).toMatchObject(REVOKED);
});
