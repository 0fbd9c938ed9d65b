import { create } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from './clients/caller.ts';
import { createConnectJsonCaller, createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { badCalls, badFraming, badWebSocket, hello } from './probes/bad-frames.ts';
import { type BadRequest, badEnvelopes, badJson } from './probes/bad-requests.ts';
import { type Answer, connectHttp2, type Http2Connection } from './probes/http2-connection.ts';
import { readConnect, readGrpc, readGrpcWeb } from './probes/http2-probes.ts';
import type { Outcome } from './probes/outcome.ts';
import { closeCodeOf, openRawSocket, type RawSocket, upgradeRequest } from './probes/raw-socket.ts';
import { webSocketProbe } from './probes/websocket-probe.ts';
import { createLeakFinder } from './refusals/leaks.ts';
import { useMesh } from './support/mesh.ts';

const LIST = '/realchat.messaging.v1.MessageService/ListMessages';
const PROCESSES = ['auth', 'profile', 'messaging', 'relay', 'delivery', 'operations', 'gateway', 'envoy'] as const;
/** Nothing that is refused may keep its sender waiting for longer. */
const AT_ONCE_MS = 5_000;

const mesh = useMesh();
let honest: User[];
let conversationId: string;
let pids: (number | undefined)[];

const pidsNow = () => PROCESSES.map((name) => mesh().stack.process(name).pid);

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl: url, tls } = mesh();
  const callers: (Caller | ((token: () => string) => Caller))[] = [
    createGrpcCaller(tlsAddress, certificateAuthority),
    createConnectJsonCaller(tls),
    (token) => createWebSocketCaller({ url, certificateAuthority, token }),
  ];
  honest = callers.map((caller) => new User(caller));
  await Promise.all(honest.map((user) => user.register(newUsername(), newPassword())));
  const [owner, ...others] = honest as [User, ...User[]];
  conversationId = await owner.createConversation({ title: 'calm', members: others.map((user) => user.userId) });
  pids = pidsNow();
});

afterAll(() => Promise.all(honest?.map((user) => user.close()) ?? []));

/** Every process is the one that it was, and honest clients, on the connections that they had, are served. */
async function expectCalm(): Promise<void> {
  for (const user of honest) {
    const { messageId } = await user.send(conversationId, `still here, says ${user.name}`);
    const messages = await user.list(conversationId);
    expect(messages.at(-1)?.messageId).toBe(messageId);
  }
  expect(pidsNow()).toEqual(pids);
  expect(PROCESSES.map((name) => mesh().stack.process(name).restarts)).toEqual(PROCESSES.map(() => 0));
}

describe.each([
  ['gRPC', 'application/grpc', badEnvelopes, readGrpc],
  ['gRPC-Web', 'application/grpc-web+proto', badEnvelopes, readGrpcWeb],
  ['Connect JSON', 'application/json', badJson, readConnect],
] as const)('over %s', (_name, contentType, cases, read: (answer: Answer) => Outcome) => {
  let connection: Http2Connection;

  beforeAll(() => {
    connection = connectHttp2(mesh().tlsAddress, mesh().certificateAuthority);
  });

  afterAll(async () => {
    await connection.close();
    await expectCalm();
  });

  test.each(cases.map((each) => [each.what, each] as const))('%s gets an answer', async (_what, bad: BadRequest) => {
    const authorization = `Bearer ${honest[0]?.accessToken}`;
    const headers = { 'content-type': contentType, te: 'trailers', authorization, ...bad.headers };
    const options = { method: bad.method ?? 'POST', end: bad.sent !== 'open', deadlineMs: AT_ONCE_MS };
    const answer = await connection.post(bad.path ?? LIST, headers, bad.body, options);
    const outcome = read(answer);
    const code = outcome.code === 'UNKNOWN' ? String(answer.status) : outcome.code;
    expect(bad.codes).toContain(code);
    expect(createLeakFinder(mesh())(outcome.everything)).toEqual([]);
  });
});

describe('over WebSocket', () => {
  afterAll(expectCalm);

  const upgraded = async (): Promise<RawSocket> => {
    const socket = await openRawSocket(mesh().tlsAddress, mesh().certificateAuthority);
    socket.write(upgradeRequest(mesh().tlsAddress));
    await until('the handshake is answered', () => socket.received().includes('\r\n\r\n'));
    expect(socket.received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    return socket;
  };

  const say = async (socket: RawSocket, speech: Buffer, codes: number[]) => {
    socket.write(speech);
    await until('the server closes', () => closeCodeOf(socket.received()) !== undefined, AT_ONCE_MS);
    expect(codes).toContain(closeCodeOf(socket.received()));
    socket.destroy();
  };

  test.each([...badWebSocket, ...badFraming].map((bad) => [bad.what, bad] as const))(
    '%s closes the socket',
    async (_what, bad) => say(await upgraded(), bad.say, bad.codes),
  );

  test.each(badCalls.map((bad) => [bad.what, bad] as const))('after the welcome, %s closes it', async (_what, bad) => {
    const socket = await upgraded();
    const before = socket.received().length;
    socket.write(hello);
    await until('the server says welcome', () => socket.received().length > before);
    await say(socket, bad.say, bad.codes);
  });

  test('metadata beyond its limit ends the call, and not the session', async () => {
    const probe = webSocketProbe(mesh().webSocketUrl, mesh().certificateAuthority);
    const method = AuthService.method.logout;
    const request = create(method.input, { refreshToken: 'x' });
    const outcome = await probe.ask({ method, request, headers: { 'x-much': 'y'.repeat(40 * 1024) } });
    expect(outcome.code).toBe('RESOURCE_EXHAUSTED');
  });

  test('silence closes it after 5 seconds', async () => {
    const socket = await upgraded();
    await until('the server closes', () => closeCodeOf(socket.received()) !== undefined, 10_000);
    expect(closeCodeOf(socket.received())).toBe(4408);
    socket.destroy();
  });

  test.each([
    ['a token in the address', (request: string) => request.replace('/ws', '/ws?access_token=x'), /^HTTP\/1\.1 400 /],
    ['another subprotocol', (request: string) => request.replace('realchat.v1', 'chat'), /^HTTP\/1\.1 400 /],
    [
      'a page of another origin',
      (request: string) => request.replace('GET /ws HTTP/1.1', 'GET /ws HTTP/1.1\r\nOrigin: https://evil.example'),
      /^HTTP\/1\.1 403 /,
    ],
    ['no key', (request: string) => request.replace(/Sec-WebSocket-Key: .*\r\n/, ''), /^HTTP\/1\.1 4\d\d /],
    ['another version', (request: string) => request.replace('Version: 13', 'Version: 99'), /^HTTP\/1\.1 4\d\d /],
  ])('a handshake with %s is refused', async (_what, change, status) => {
    const socket = await openRawSocket(mesh().tlsAddress, mesh().certificateAuthority);
    socket.write(change(upgradeRequest(mesh().tlsAddress)));
    await until('it is answered', () => socket.received().includes('\r\n\r\n'), AT_ONCE_MS);
    expect(socket.received().toString('latin1')).toMatch(status);
    socket.destroy();
  });
});

describe('below every protocol', () => {
  afterAll(expectCalm);

  const plainAddress = () => new URL(mesh().plain).host;
  const smuggled = (headers: string[]) =>
    `${['POST /realchat.auth.v1.AuthService/Login HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...headers].join('\r\n')}\r\n\r\n`;

  test.each([
    ['bytes without sense', Buffer.alloc(20_000, 0xfe)],
    ['a request line without an end', Buffer.from(`GET /${'a'.repeat(200_000)}`)],
    ['a header of 64 KiB', Buffer.from(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(65_536)}\r\n\r\n`)],
    ['1,000 headers', Buffer.from(`GET / HTTP/1.1\r\nHost: x\r\n${'X-A: b\r\n'.repeat(1000)}\r\n`)],
    [
      'a length and chunks at once',
      Buffer.from(`${smuggled(['Content-Length: 4', 'Transfer-Encoding: chunked'])}0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`),
    ],
    ['two lengths', Buffer.from(`${smuggled(['Content-Length: 4', 'Content-Length: 5'])}{}`)],
    ['a chunk of no number', Buffer.from(`${smuggled(['Transfer-Encoding: chunked'])}zz\r\n{}\r\n`)],
    ['the beginning of HTTP/2 and then none', Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(1000)}`)],
  ])('%s ends the connection', async (_what, bytes) => {
    const socket = await openRawSocket(plainAddress());
    socket.write(bytes);
    await socket.closed(AT_ONCE_MS);
    const answer = socket.received().toString('latin1');
    if (answer.startsWith('HTTP/1.1')) expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer.match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(createLeakFinder(mesh())(answer)).toEqual([]);
  });

  test('bytes without sense instead of TLS end the connection', async () => {
    const socket = await openRawSocket(mesh().tlsAddress);
    socket.write(Buffer.alloc(2000, 0x16));
    await socket.closed(AT_ONCE_MS);
  });
});
