import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { type Accept, Code as GrpcCode, statusOf } from '@realchat/framing';
import { AuthService, LoginResponseSchema } from '@realchat/gen/realchat/auth/v1/auth_service';
import { expect, test } from 'vitest';
import { createWebSocketTransport, type SessionClosed, type WebSocketTransportOptions } from '../index.ts';
import { type Accepted, fakeGateway } from './fake-gateway.ts';

const login = toBinary(LoginResponseSchema, create(LoginResponseSchema, { userId: 'u1' }));

const answered: Accept = (call) => ({
  message: () => {},
  halfClosed: () => {
    call.send(login);
    call.end(statusOf(GrpcCode.OK));
  },
  closed: () => {},
});
const silent: Accept = () => ({ message: () => {}, closed: () => {} });

function connected(accept: Accept, options: Partial<WebSocketTransportOptions> = {}) {
  const gateway = fakeGateway(accept);
  const closed: SessionClosed[] = [];
  const transport = createWebSocketTransport({
    url: 'ws://test/ws',
    token: () => 'a-token',
    webSocket: gateway.webSocket,
    onClosed: (event) => void closed.push(event),
    ...options,
  });
  const socket = (index: number): Accepted => gateway.sockets[index] ?? expect.fail(`no socket ${index}`);
  return { gateway, transport, closed, socket, auth: createClient(AuthService, transport) };
}

const codeOf = (promise: Promise<unknown>): Promise<Code | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );

test('the first call opens a socket with our subprotocol, says hello with the token and shares it with later ones', async () => {
  const { auth, gateway, socket } = connected(answered);
  await Promise.all([auth.login({}), auth.login({}), auth.login({})]);
  await auth.login({});
  expect(gateway.sockets.length).toBe(1);
  expect([socket(0).protocols, socket(0).url]).toEqual([['realchat.v1'], 'ws://test/ws']);
  expect(socket(0).frames).toMatchObject([{ case: 'hello', value: { accessToken: 'a-token' } }]);
});

test.each([
  [1012, Code.Unavailable, 'reconnect'],
  [1006, Code.Unavailable, 'reconnect'],
  [4008, Code.Unavailable, 'reconnect'],
  [4400, Code.Unavailable, 'give_up'],
  [4401, Code.Unauthenticated, 'authenticate'],
])(
  'a close with %i ends open calls, is told once, and the next call opens another socket',
  async (code, error, after) => {
    const { auth, socket, closed, gateway } = connected(silent);
    const call = codeOf(auth.login({}));
    await expect.poll(() => gateway.sockets[0]?.multiplexer.openCalls).toBe(1);
    socket(0).close(code);
    expect(await call).toBe(error);
    expect(closed).toEqual([{ code, reason: '', after }]);
    const again = codeOf(auth.login({}));
    await expect.poll(() => gateway.sockets.length).toBe(2);
    socket(1).close(1006);
    await again;
  },
);

test('a session that is refused rejects the calls that waited for it', async () => {
  const { auth, socket, gateway } = connected(silent);
  gateway.mute = true;
  const call = codeOf(auth.login({}));
  await expect.poll(() => gateway.sockets[0]?.frames.length).toBe(1);
  socket(0).close(4401);
  expect(await call).toBe(Code.Unauthenticated);
});

test('a server that never welcomes is given up', async () => {
  const { auth, closed, gateway } = connected(silent, { connectTimeoutMs: 30 });
  gateway.mute = true;
  expect(await codeOf(auth.login({}))).toBe(Code.Unavailable);
  expect(closed).toMatchObject([{ code: 1006, reason: 'no welcome in time' }]);
});

test('a server that does not answer a ping is given up', async () => {
  const { auth, closed, gateway } = connected(silent, { liveness: { intervalMs: 30, timeoutMs: 30 } });
  const call = codeOf(auth.login({}));
  await expect.poll(() => gateway.sockets[0]?.multiplexer.openCalls).toBe(1);
  gateway.sockets[0]?.multiplexer.close();
  expect(await call).toBe(Code.Unavailable);
  expect(closed).toMatchObject([{ code: 1006, after: 'reconnect' }]);
});

test('a token that fails to come fails the call, and the next call asks again', async () => {
  let asked = 0;
  const { auth } = connected(answered, {
    token: () => {
      asked += 1;
      if (asked === 1) throw new ConnectError('log in first', Code.Unauthenticated);
      return 'a-token';
    },
  });
  expect(await codeOf(auth.login({}))).toBe(Code.Unauthenticated);
  expect((await auth.login({})).userId).toBe('u1');
});

test('refresh hands the session a newer token in place', async () => {
  const { auth, transport, socket, gateway } = connected(answered);
  await transport.refresh('nobody is there to hear it');
  await auth.login({});
  await transport.refresh('newer');
  expect(socket(0).frames).toMatchObject([{ case: 'hello' }, { case: 'refresh', value: { accessToken: 'newer' } }]);
  expect(gateway.sockets.length).toBe(1);
});

test('before a token ends a newer one is asked for and handed over', async () => {
  const tokens = ['first'];
  const { auth, socket, gateway } = connected(answered, { token: () => tokens.shift() ?? 'second' });
  gateway.tokenLifetimeMs = 1200;
  await auth.login({});
  await expect
    .poll(() => socket(0).frames, { timeout: 10_000 })
    .toMatchObject([{ case: 'hello' }, { case: 'refresh', value: { accessToken: 'second' } }]);
});

test('when the server drains, open calls finish, new ones wait and use another socket, and the old one is left', async () => {
  const ends: (() => void)[] = [];
  const draining = Promise.withResolvers<number>();
  const accept: Accept = (call) => ({
    message: () => {},
    halfClosed: () =>
      void ends.push(() => {
        call.send(login);
        call.end(statusOf(GrpcCode.OK));
      }),
    closed: () => {},
  });
  const { auth, socket, gateway } = connected(accept, { onDraining: draining.resolve });
  const first = auth.login({});
  await expect.poll(() => ends.length).toBe(1);
  socket(0).drain(100);
  expect(await draining.promise).toBe(100);
  const begun = performance.now();
  const second = auth.login({});
  await expect.poll(() => gateway.sockets.length).toBe(2);
  expect(performance.now() - begun).toBeGreaterThan(80);
  expect(socket(0).closedByClient).toBe(undefined);
  ends[0]?.();
  await first;
  expect(socket(0).closedByClient).toEqual({ code: 1000 });
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.();
  await second;
});

test('a text message from the server is a protocol error', async () => {
  const { auth, socket, closed, gateway } = connected(silent);
  const call = codeOf(auth.login({}));
  await expect.poll(() => gateway.sockets[0]?.multiplexer.openCalls).toBe(1);
  socket(0).sendText();
  expect(await call).toBe(Code.Unavailable);
  expect([closed.map(({ code }) => code), socket(0).closedByClient]).toEqual([[4400], { code: 4400 }]);
});

test('close ends everything, for good', async () => {
  const { auth, transport, socket, gateway } = connected(silent);
  const call = codeOf(auth.login({}));
  await expect.poll(() => gateway.sockets[0]?.multiplexer.openCalls).toBe(1);
  transport.close();
  expect(await call).toBe(Code.Unavailable);
  expect(socket(0).closedByClient).toEqual({ code: 1000 });
  expect(await codeOf(auth.login({}))).toBe(Code.Canceled);
});

test('an aborted call does not wait for a socket that is being opened', async () => {
  const { auth, gateway } = connected(silent);
  gateway.mute = true;
  expect(await codeOf(auth.login({}, { signal: AbortSignal.timeout(20) }))).toBe(Code.Canceled);
});
