import { randomBytes } from 'node:crypto';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { until } from '@realchat/testkit';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser } from './clients/browser-client.ts';
import { CallFailure } from './clients/caller.ts';
import { createConnectJsonCaller, createWebSocketCaller } from './clients/connect-caller.ts';
import { createCurlCaller } from './clients/curl-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { createPythonCaller } from './clients/python-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { useMesh } from './support/mesh.ts';

/** Fewer than in the table, so that the test makes fewer calls. */
const BURST = 5;
const RATE_LIMITS = JSON.stringify({ search_profiles: { count: 1, seconds: 60, burst: BURST } });
/** Envoy lets a call go when the gateway does not answer in 50 ms, as it may on a machine that has other things to do. */
const MOST_CALLS = 200;

const search = ProfileService.method.searchProfiles;
const getProfile = ProfileService.method.getProfile;
const mesh = useMesh({ env: { gateway: { RATE_LIMITS }, auth: { RATE_LIMITS } } });

const users: User[] = [];
let browser: Browser;

async function registered(user: User): Promise<User> {
  users.push(user);
  await user.register(newUsername(), newPassword());
  return user;
}

const grpcUser = () => new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));

const KINDS: Record<string, () => Promise<User>> = {
  'grpc-js': async () => grpcUser(),
  'Python grpcio': async () => new User(await createPythonCaller(mesh().tlsAddress, mesh().certificateAuthorityFile)),
  'curl with Connect JSON': async () => new User(createCurlCaller(mesh().tls, mesh().certificateAuthorityFile)),
  'connect-web with Connect JSON': async () => new User(createConnectJsonCaller(mesh().tls)),
  WebSocket: async () => {
    const { webSocketUrl: url, certificateAuthority } = mesh();
    return new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
  },
};

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await Promise.all(users.map((user) => user.close()));
  await browser?.close();
});

/** Searches until that is refused; answers how often it was not, and the refusal. */
async function exhaust(user: User): Promise<{ passed: number; failure: CallFailure }> {
  for (let passed = 0; passed < MOST_CALLS; passed++) {
    const failure = await failureOf(user, search, { query: 'ada' });
    if (failure?.code === 'RESOURCE_EXHAUSTED') return { passed, failure };
    if (failure) throw failure;
  }
  throw new Error(`${MOST_CALLS} calls passed`);
}

async function failureOf(user: User, method: DescMethodUnary, request: object): Promise<CallFailure | undefined> {
  try {
    await user.caller.unary(method, request as never, { token: user.accessToken });
    return undefined;
  } catch (error) {
    if (error instanceof CallFailure) return error;
    throw error;
  }
}

describe('a call over a limit', () => {
  test.each(Object.keys(KINDS))(
    'S-60: is refused to %s with the true time to come back; others of the caller are not',
    async (kind) => {
      const user = await registered((await KINDS[kind]?.()) as User);
      const { failure } = await exhaust(user);
      expect(failure.reason).toBe('RATE_LIMITED');
      expect(failure.retryAfterMs).toBeGreaterThan(40_000);
      expect(failure.retryAfterMs).toBeLessThanOrEqual(60_000);
      // The profile may not be there yet: what counts is that the call was made.
      const other = await failureOf(user, getProfile, { key: { case: 'userId', value: user.userId } });
      expect(['PROFILE_NOT_FOUND', undefined]).toContain(other?.reason);
    },
  );

  test('S-60: is refused to a browser over gRPC-Web with the true time to come back, over TLS from another origin', async () => {
    const user = await registered(grpcUser());
    await exhaust(user);
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(mesh().plain);
    const url = `${mesh().tls}/${search.parent.typeName}/${search.name}`;
    const ask = () =>
      page.evaluate(
        async ({ url, authorization }) => {
          const message = new Uint8Array([10, 3, 97, 100, 97]);
          const body = new Uint8Array([0, 0, 0, 0, message.length, ...message]);
          const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', authorization };
          const response = await fetch(url, { method: 'POST', headers, body });
          const read = (name: string) => response.headers.get(name) ?? undefined;
          await response.arrayBuffer();
          return {
            status: read('grpc-status'),
            details: read('grpc-status-details-bin'),
            retryAfter: read('retry-after'),
          };
        },
        { url, authorization: `Bearer ${user.accessToken}` },
      );
    const answer = await until('the call is refused', async () => {
      const { status, ...rest } = await ask();
      return status === '8' && rest;
    });
    const { details } = fromBinary(StatusSchema, Buffer.from(answer.details ?? '', 'base64'));
    expect(details.map((detail) => anyUnpack(detail, ErrorInfoSchema)?.reason)).toContain('RATE_LIMITED');
    const retry = details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find(Boolean);
    expect(Number(retry?.retryDelay?.seconds)).toBeGreaterThan(30);
    expect(Number(answer.retryAfter)).toBeGreaterThan(30);
    await context.close();
  });

  test('S-57: is one on every transport: the counts of a user are shared', async () => {
    const socket = await registered((await KINDS['WebSocket']?.()) as User);
    const { passed } = await exhaust(socket);
    expect(Math.abs(passed - BURST)).toBeLessThanOrEqual(1);
    for (const kind of ['grpc-js', 'curl with Connect JSON']) {
      const other = (await KINDS[kind]?.()) as User;
      users.push(other);
      other.accessToken = socket.accessToken;
      await until(
        `${kind} is refused`,
        async () => (await failureOf(other, search, { query: 'ada' }))?.reason === 'RATE_LIMITED',
      );
    }
  });

  test('S-56: is one whatever addresses its headers claim, and the service behind it is out of reach', async () => {
    const user = await registered(grpcUser());
    await exhaust(user);
    const claimed = {
      'x-forwarded-for': '198.51.100.7',
      'x-real-ip': '198.51.100.8',
      'x-envoy-external-address': '198.51.100.9',
    };
    await until('it is refused all the same', async () => {
      const outcome = await user.caller
        .unary(search, { query: 'ada' }, { token: user.accessToken, headers: claimed })
        .catch((error: CallFailure) => error.reason);
      return outcome === 'RATE_LIMITED';
    });
    const response = await fetch(`${mesh().plain}/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(404);
  });
});

test('S-46: who guesses at an account is stopped; its owner gets in on a device that the account knows', async () => {
  const owner = grpcUser();
  users.push(owner);
  const [username, password] = [newUsername(), newPassword()];
  await owner.register(username, password);
  const attacker = grpcUser();
  users.push(attacker);
  const login = AuthService.method.login;
  const reasons: (string | undefined)[] = [];
  for (let i = 0; i < 14; i++) {
    const guess = `guess ${randomBytes(12).toString('hex')}`;
    const failure = await failureOf(attacker, login, { username, password: guess });
    reasons.push(failure?.reason);
    if (failure?.reason === 'RATE_LIMITED') expect(failure.retryAfterMs).toBeGreaterThan(0);
  }
  expect(reasons.slice(0, 5)).toEqual(Array(5).fill('BAD_CREDENTIALS'));
  expect(reasons.at(-1)).toBe('RATE_LIMITED');
  expect(await failureOf(attacker, login, { username, password })).toMatchObject({ reason: 'RATE_LIMITED' });
  expect(await failureOf(attacker, login, { username, password, deviceId: owner.deviceId })).toBeUndefined();
});

test('S-58: with Valkey killed calls go on, a flood is held by each gateway itself, and a metric says so', async () => {
  const { stack } = mesh();
  await stack.process('valkey').kill('SIGKILL', { restart: false });
  const fallback = () => readMetric(mesh(), 'gateway', 'realchat_rate_limit_fallback');
  await until('the metric says so', async () => (await fallback()) === 1);
  const user = await registered((await KINDS['WebSocket']?.()) as User);
  const { passed, failure } = await exhaust(user);
  expect(passed).toBe(BURST);
  expect(failure.retryAfterMs).toBeGreaterThan(40_000);
  const native = await registered(grpcUser());
  await exhaust(native);

  await stack.process('valkey').start();
  await until('Valkey decides again', async () => (await fallback()) === 0, 20_000);
  await exhaust(await registered(grpcUser()));
});

test('S-46: one password that is tried on many accounts is limited by the address', async () => {
  const password = newPassword();
  const reasons: (string | undefined)[] = [];
  const login = () => failureOf(grpcUser(), AuthService.method.login, { username: newUsername(), password });
  while (reasons.at(-1) !== 'RATE_LIMITED' && reasons.length < MOST_CALLS) reasons.push((await login())?.reason);
  expect(new Set(reasons.slice(0, -1))).toEqual(new Set(['BAD_CREDENTIALS']));
  expect(reasons.at(-1)).toBe('RATE_LIMITED');
});

test('S-46: registering is limited per address, and a name that is taken is told as that until then', async () => {
  const username = newUsername();
  await registered(grpcUser()).then(({ caller }) =>
    caller.unary(AuthService.method.register, { username, password: newPassword() }),
  );
  const reasons: (string | undefined)[] = [];
  let last: CallFailure | undefined;
  while (last?.code !== 'RESOURCE_EXHAUSTED' && reasons.length < MOST_CALLS) {
    last = await failureOf(grpcUser(), AuthService.method.register, { username, password: newPassword() });
    reasons.push(last?.reason);
  }
  expect(new Set(reasons.slice(0, -1))).toEqual(new Set(['USERNAME_TAKEN']));
  expect(last).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' });
  expect(last?.retryAfterMs).toBeGreaterThan(0);
});
