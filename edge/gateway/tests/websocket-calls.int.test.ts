import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createWebSocketTransport, type WebSocketTransport } from '@realchat/client';
import { ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoService } from './echo-service.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

let mesh: StartedGateway;
let transport: WebSocketTransport;

beforeAll(async () => {
  mesh = await startGateway();
  transport = createWebSocketTransport({ url: mesh.webSocketUrl, token: () => mesh.token });
});

afterAll(async () => {
  transport.close();
  await mesh.stop();
});

const echo = () => createClient(EchoService, transport);

const failure = async (promise: Promise<unknown>): Promise<ConnectError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectError) return error;
  throw new Error(`expected a ConnectError, got ${String(error)}`);
};

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31) % 256);

test('a unary call passes with metadata both ways, binary too', async () => {
  const heard: unknown[] = [];
  const answer = await echo().unary(
    { text: 'hello', data: bytes(1000) },
    {
      headers: {
        'x-mine': 'a, b',
        'x-mine-bin': 'AP8',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      onHeader: (headers) => heard.push(headers.get('x-header')),
      onTrailer: (trailers) => heard.push(trailers.get('x-trailer'), trailers.get('x-trailer-bin')),
    },
  );
  expect([answer.text, answer.data, ...heard]).toEqual([
    'hello',
    bytes(1000),
    'of the backend',
    'of the backend',
    'AP8',
  ]);
  const seen = mesh.echo.calls.at(-1)?.metadata;
  expect([seen?.get('x-mine'), seen?.get('x-mine-bin')]).toEqual([['a, b'], [Buffer.from([0, 255])]]);
  expect(seen?.get('authorization')).toEqual([`Bearer ${mesh.token}`]);
  expect(seen?.get('x-forwarded-for')).toEqual(['127.0.0.1']);
  expect(seen?.get('traceparent')[0]).toMatch(
    /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
  );
});

test('what only our side may say of a call is not taken from a client', async () => {
  const forged = [
    'x-user-id',
    'x-internal-role',
    'x-envoy-original-path',
    'x-forwarded-for',
    'authorization',
    'cookie',
    'x-request-id',
  ];
  await echo().unary({ text: 'hello' }, { headers: Object.fromEntries(forged.map((name) => [name, 'forged'])) });
  const seen = mesh.echo.calls.at(-1)?.metadata.toJSON();
  expect(JSON.stringify(seen)).not.toContain('forged');
  expect(seen?.['traceparent']?.[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('streams of every kind pass', async () => {
  async function* three() {
    for (const text of ['a', 'b', 'c']) yield { text };
  }
  expect((await echo().clientStream(three())).count).toBe(3);
  const down: number[] = [];
  for await (const { count } of echo().serverStream({ text: 'x', count: 500 })) down.push(count);
  expect(down).toEqual(Array.from({ length: 500 }, (_, index) => index));
  const both: string[] = [];
  for await (const { text } of echo().bidi(three())) both.push(text);
  expect(both).toEqual(['a', 'b', 'c']);
});

test('a bidirectional stream answers while it is still being asked', async () => {
  const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  async function* asking() {
    yield { text: 'first' };
    await next[0]?.promise;
    yield { text: 'second' };
    await next[1]?.promise;
  }
  const heard: string[] = [];
  for await (const { text } of echo().bidi(asking())) {
    heard.push(text);
    next[heard.length - 1]?.resolve();
  }
  expect(heard).toEqual(['first', 'second']);
});

test('reflection passes, bidirectional as it is', async () => {
  async function* list() {
    yield { messageRequest: { case: 'listServices' as const, value: '' } };
  }
  for await (const { messageResponse } of createClient(ServerReflection, transport).serverReflectionInfo(list())) {
    const names =
      messageResponse.case === 'listServicesResponse' ? messageResponse.value.service.map(({ name }) => name) : [];
    expect(names).toContain('realchat.messaging.v1.MessageService');
    expect(names).not.toContain('realchat.messaging.v1.LogService');
  }
});

test('messages of millions of bytes pass both ways, several at once', async () => {
  const large = bytes(3_900_000);
  const answers = await Promise.all([1, 2, 3].map(() => echo().unary({ text: 'large', data: large })));
  for (const { data } of answers) expect(Buffer.compare(data, large)).toBe(0);
  let count = 0;
  for await (const { data } of echo().serverStream({ text: 'large', data: bytes(900_000), count: 5 })) {
    expect(data.length).toBe(900_000);
    count += 1;
  }
  expect(count).toBe(5);
});

test('a message above the limit is refused, and the session goes on', async () => {
  const error = await failure(echo().unary({ data: new Uint8Array(4 * 1024 * 1024) }));
  expect(error.code).toBe(Code.ResourceExhausted);
  expect((await echo().unary({ text: 'still here' })).text).toBe('still here');
});

test.each(['unary', 'serverStream'] as const)(
  'an error of a %s call comes with code, message, details and trailers',
  async (kind) => {
    const call = async () => {
      if (kind === 'unary') return await echo().unary({ text: 'fail' });
      for await (const _ of echo().serverStream({ text: 'fail' }));
    };
    const error = await failure(call());
    expect([error.code, error.rawMessage]).toEqual([Code.FailedPrecondition, 'as you wished: ü']);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'TEST_FAILED', domain: 'realchat.dev' }]);
    expect(error.findDetails(RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: 1n, nanos: 500_000_000 } }]);
    expect([error.metadata.get('x-trailer'), error.metadata.get('grpc-status-details-bin')]).toEqual([
      'of the backend',
      null,
    ]);
  },
);

test('a refusal of a real service comes whole', async () => {
  const profiles = createClient(ProfileService, transport);
  expect((await profiles.getProfile({ key: { case: 'username', value: 'ada' } })).profile?.userId).toBe('user-1');
  const error = await failure(profiles.getProfile({ key: { case: 'userId', value: 'not a uuid' } }));
  expect([error.code, error.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([
    Code.InvalidArgument,
    'INVALID_REQUEST',
  ]);
});

test('a deadline reaches the backend and passes at both ends', async () => {
  const error = await failure(echo().unary({ text: 'hang' }, { timeoutMs: 150 }));
  expect(error.code).toBe(Code.DeadlineExceeded);
  const seen = mesh.echo.calls.at(-1);
  expect(seen?.timeoutMs).toBeGreaterThan(50);
  expect(seen?.timeoutMs).toBeLessThanOrEqual(150);
  await until('the backend is told', () => seen?.cancelled);
});

test('a unary call always has an end, a stream only if it asks for one', async () => {
  await echo().unary({ text: 'hello' });
  expect(mesh.echo.calls.at(-1)?.timeoutMs).toBeLessThanOrEqual(15_000);
  await echo().unary({ text: 'hello' }, { timeoutMs: 10_000_000_000 });
  expect(mesh.echo.calls.at(-1)?.timeoutMs).toBeLessThanOrEqual(15_000);
  for await (const _ of echo().serverStream({ count: 1 }));
  expect(mesh.echo.calls.at(-1)?.timeoutMs).toBe(Number.POSITIVE_INFINITY);
});

test('a cancelled call is cancelled at the backend', async () => {
  const controller = new AbortController();
  const calls = mesh.echo.calls.length;
  const call = failure(echo().unary({ text: 'hang' }, { signal: controller.signal }));
  const seen = await until('the call arrives', () => mesh.echo.calls[calls]);
  controller.abort();
  expect((await call).code).toBe(Code.Canceled);
  await until('the backend is told', () => seen.cancelled);
});

test('methods that are not public are unknown', async () => {
  const error = await failure(createClient(LogService, transport).readHeads({}));
  expect([error.code, error.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([Code.Unimplemented, 'METHOD_UNKNOWN']);
});

test('without a token only what needs none can be called, until a refresh brings one', async () => {
  const anonymous = createWebSocketTransport({ url: mesh.webSocketUrl, token: () => '' });
  expect((await createClient(AuthService, anonymous).login({ username: 'ada', password: 'p' })).userId).toBe('ada');
  const error = await failure(createClient(EchoService, anonymous).unary({}));
  expect([error.code, error.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([Code.Unauthenticated, 'TOKEN_MISSING']);
  await anonymous.refresh(mesh.token);
  expect((await createClient(EchoService, anonymous).unary({ text: 'now' })).text).toBe('now');
  anonymous.close();
});

test('a backend that is away is UNAVAILABLE, without a word about the inside', async () => {
  const other = await startGateway();
  const client = createWebSocketTransport({ url: other.webSocketUrl, token: () => other.token });
  other.echo.stop();
  const error = await failure(createClient(EchoService, client).unary({}));
  expect([error.code, error.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([
    Code.Unavailable,
    'SERVICE_UNAVAILABLE',
  ]);
  expect(error.rawMessage).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|:\d+/);
  client.close();
  await other.stop();
});

test('a backend that dies within a call makes it UNAVAILABLE', async () => {
  const other = await startGateway();
  const client = createWebSocketTransport({ url: other.webSocketUrl, token: () => other.token });
  const call = failure(createClient(EchoService, client).unary({ text: 'hang' }));
  await until('the call arrives', () => other.echo.calls.length > 0);
  other.echo.stop();
  expect((await call).code).toBe(Code.Unavailable);
  client.close();
  await other.stop();
});
