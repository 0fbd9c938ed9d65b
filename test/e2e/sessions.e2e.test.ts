import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { inEvery } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CallFailure } from './clients/caller.ts';
import { createWebSocketCaller, type SocketLife } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { inDatabase } from './support/database.ts';
import { useMesh } from './support/mesh.ts';

const WITHIN_MS = 2_000;
const REVOKED = { code: 'UNAUTHENTICATED', reason: 'TOKEN_REVOKED' };

const mesh = useMesh({}, inEvery(2));
const users: User[] = [];
/** Two logins of one user: one goes on, the other ends. */
let staying: User;
let ending: User;
let password: string;

beforeEach(async () => {
  [staying, ending] = [byGrpc(), byGrpc()];
  password = newPassword();
  await staying.register(newUsername(), password);
  await ending.login(staying.username, password);
});

afterAll(() => Promise.all(users.map((user) => user.close())));

const endings: [what: string, end: () => Promise<unknown>, prepare?: () => Promise<unknown>][] = [
  ['S-25: logout', () => ending.logout()],
  ['RevokeSession', async () => staying.call(AuthService.method.revokeSession, { sessionId: await sessionOf(ending) })],
  ['S-22: the reuse of a refresh token', () => reuse(ending.refreshToken), () => spendRefreshToken()],
  [
    'S-51: a changed password',
    () => staying.call(AuthService.method.changePassword, { currentPassword: password, newPassword: newPassword() }),
  ],
];

describe('within 2 s the stream and the socket of a login end, whichever instance has them, and every service refuses it; another login goes on, after', () => {
  test.each(endings)('%s', async (_what, end, prepare) => {
    const life: SocketLife = { closed: [] };
    const socket = bySocket(life);
    socket.join(ending);
    const [held, bySocketHeld, going] = await Promise.all([ending, socket, staying].map((user) => user.subscribe()));
    await prepare?.();
    const ended = Promise.all([held?.ended, bySocketHeld?.ended]);

    const begin = performance.now();
    await end();
    const [stream] = await ended;
    await until('its socket is closed', () => life.closed.length > 0, WITHIN_MS);
    await until('every service refuses its token', () => isRefusedEverywhere(ending), WITHIN_MS);
    const took = performance.now() - begin;
    process.stdout.write(`${_what}: ${took.toFixed(0)} ms\n`);
    expect(took).toBeLessThan(WITHIN_MS);
    expect(stream).toMatchObject(REVOKED);
    expect(life.closed).toEqual([4401]);

    let isOver = false;
    void going?.ended.then(() => {
      isOver = true;
    });
    await staying.call(ConversationService.method.listConversations, {});
    expect(isOver).toBe(false);
  });
});

function byGrpc(): User {
  return kept(new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority)));
}

function bySocket(life: SocketLife): User {
  const { webSocketUrl: url, certificateAuthority } = mesh();
  return kept(new User((token) => createWebSocketCaller({ url, certificateAuthority, token, life })));
}

function kept(user: User): User {
  users.push(user);
  return user;
}

async function sessionOf(user: User): Promise<string> {
  const { sessions } = await user.call(AuthService.method.listSessions, {});
  return sessions.find((session) => session.current)?.sessionId ?? '';
}

/** Trades the refresh token in and lets its grace pass; what was opened with the token before it stays open. */
async function spendRefreshToken(): Promise<void> {
  const sessionId = await sessionOf(ending);
  await staying.caller.unary(AuthService.method.refreshSession, { refreshToken: ending.refreshToken });
  const past = `update session set refresh_time = refresh_time - interval '11 seconds' where session_id = $1`;
  await inDatabase(mesh(), 'auth', past, [sessionId]);
}

/** The reuse is refused itself: that is how it ends the family. */
async function reuse(refreshToken: string): Promise<void> {
  const trade = staying.caller.unary(AuthService.method.refreshSession, { refreshToken });
  await expect(trade).rejects.toBeInstanceOf(CallFailure);
}

async function isRefusedEverywhere(user: User): Promise<boolean> {
  const calls = [
    user.call(AuthService.method.listSessions, {}),
    user.call(ConversationService.method.listConversations, {}),
    user.call(ProfileService.method.searchProfiles, { query: 'a' }),
  ];
  const outcomes = await Promise.allSettled(calls);
  return outcomes.every(
    (outcome) =>
      outcome.status === 'rejected' &&
      outcome.reason instanceof CallFailure &&
      outcome.reason.reason === REVOKED.reason,
  );
}
