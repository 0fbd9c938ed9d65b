import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawClient, refusedWith, unaryCall } from './raw-client.ts';
import { ALLOWED_ORIGIN, type StartedGateway, startGateway } from './start-gateway.ts';

const ECHO = '/realchat.test.v1.EchoService/Unary';
const LOGIN = '/realchat.auth.v1.AuthService/Login';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway({ patience: { helloMs: 300 } });
});
afterAll(() => mesh.stop());

describe('the handshake', () => {
  test('S-31: is for allowed origins, and for those that are no page', async () => {
    expect(await refusedWith(mesh.webSocketUrl)).toBe(101);
    expect(await refusedWith(mesh.webSocketUrl, { origin: ALLOWED_ORIGIN })).toBe(101);
  });

  test.each([
    'https://evil.example.com',
    'null',
    'https://evil-chat.example.com',
    'https://chat.example.com.evil.com',
    'http://chat.example.com',
    'https://chat.example.com:8443',
    'https://CHAT.example.com',
    'https://chat.example.com/',
    '',
  ])('is refused to a page of %j', async (origin) => {
    expect(await refusedWith(mesh.webSocketUrl, { headers: { origin } })).toBe(403);
  });

  test('S-27, S-29: needs our subprotocol, our path and no query', async () => {
    expect(await refusedWith(mesh.webSocketUrl, {}, [])).toBe(400);
    expect(await refusedWith(mesh.webSocketUrl, {}, ['realchat.v2'])).toBe(400);
    expect(await refusedWith(`${mesh.webSocketUrl}?access_token=${mesh.token}`)).toBe(400);
    expect(await refusedWith(`${mesh.webSocketUrl}?user_id=user-2`)).toBe(400);
    expect(await refusedWith(mesh.webSocketUrl.replace('/ws', '/other'))).toBe(404);
    const { socket } = await rawClient(mesh.webSocketUrl, {}, ['other', 'realchat.v1']);
    expect(socket.protocol).toBe('realchat.v1');
    socket.terminate();
  });

  test('S-59: is refused when there are too many sockets', async () => {
    const small = await startGateway({ env: { MAX_SOCKETS: '1' } });
    const { socket, closed } = await rawClient(small.webSocketUrl);
    expect(await refusedWith(small.webSocketUrl)).toBe(503);
    socket.close();
    await closed;
    await expect.poll(() => refusedWith(small.webSocketUrl)).toBe(101);
    await small.stop();
  });
});

describe('hello', () => {
  test('is answered by a welcome with the limits and the life of the token', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(mesh.token);
    const welcome = await client.heard('welcome');
    expect(welcome).toMatchObject({
      maxPartBytes: 16_384,
      maxMessageBytes: 4_194_304,
      initialCreditBytes: 65_536,
      maxCalls: 128,
    });
    expect(Number(welcome.tokenLifetime?.seconds)).toBeGreaterThan(280);
    client.socket.terminate();
  });

  test('S-30: must come in time', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    expect(await client.closed).toEqual({ code: 4408, reason: 'no hello in time' });
    expect(client.frames).toEqual([]);
  });

  test.each<[string, () => Promise<string> | string]>([
    ['a token that is none', () => 'no-token'],
    ['an expired token', () => mesh.issuer.sign({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['a token of another issuer', () => mesh.issuer.sign({ iss: 'https://evil.example.com' })],
    ['a token for others', () => mesh.issuer.sign({ aud: 'others' })],
    ['a refresh token', () => mesh.issuer.sign({}, { typ: 'rt+jwt' })],
    ['a token of 100 KB', () => 'x'.repeat(100_000)],
  ])('with %s closes the socket with 4401, and no frame comes before', async (_, token) => {
    const client = await rawClient(mesh.webSocketUrl);
    client.send({ kind: { case: 'hello', value: { accessToken: await token() } } });
    expect((await client.closed).code).toBe(4401);
    expect(client.frames).toEqual([]);
  });

  test('S-30: comes once: a second one, even of the same user, is a protocol error', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(mesh.token);
    client.send({ kind: { case: 'hello', value: { accessToken: mesh.token } } });
    expect((await client.closed).code).toBe(4400);
  });

  test('comes before any call, and the welcome too', async () => {
    const early = await rawClient(mesh.webSocketUrl);
    early.send(...unaryCall(1, LOGIN));
    expect((await early.closed).code).toBe(4400);
    const hasty = await rawClient(mesh.webSocketUrl);
    hasty.send({ kind: { case: 'hello', value: { accessToken: await mesh.issuer.sign() } } }, ...unaryCall(1, LOGIN));
    expect((await hasty.closed).code).toBe(4400);
    expect([...early.frames, ...hasty.frames]).toEqual([]);
  });

  test.each(['welcome', 'refreshed', 'drain'] as const)('a client that sends %s breaks the protocol', async (kind) => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(mesh.token);
    client.send({ kind: { case: kind, value: {} } });
    expect((await client.closed).code).toBe(4400);
  });
});

describe('a token', () => {
  const shortLived = (seconds: number) => mesh.issuer.sign({ exp: Math.floor(Date.now() / 1000) + seconds });

  test('S-33: ends the session with its life, and nothing is delivered after', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(await shortLived(1));
    client.send({ call: 1, kind: { case: 'open', value: { method: '/realchat.test.v1.EchoService/Bidi' } } });
    expect(await client.closed).toEqual({ code: 4401, reason: 'TOKEN_EXPIRED' });
    const count = client.frames.length;
    await expect.poll(() => mesh.echo.calls.at(-1)?.cancelled).toBe(true);
    expect(client.frames.length).toBe(count);
  });

  test('is replaced in place by a newer one of the same session, which later calls carry', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    const over = (Math.floor(Date.now() / 1000) + 2) * 1000;
    await client.hello(await shortLived(2));
    const newer = await shortLived(200);
    client.send({ kind: { case: 'refresh', value: { accessToken: newer } } });
    expect(Number((await client.heard('refreshed')).tokenLifetime?.seconds)).toBeGreaterThan(150);
    await until('the first token is over', () => Date.now() > over + 100);
    client.send(...unaryCall(1, ECHO));
    expect((await client.heard('end', 1)).status?.code ?? 0).toBe(0);
    expect(mesh.echo.calls.at(-1)?.metadata.get('authorization')).toEqual([`Bearer ${newer}`]);
    client.socket.terminate();
  });

  test.each<[string, () => Promise<string> | string]>([
    ['another user', () => mesh.issuer.sign({ sub: 'user-2' })],
    ['another session', () => mesh.issuer.sign({ sid: 'session-2' })],
    ['nobody', () => ''],
    ['a forger', () => 'a.b.c'],
  ])('of %s is refused as a refresh with 4401', async (_, token) => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(mesh.token);
    client.send({ kind: { case: 'refresh', value: { accessToken: await token() } } });
    expect((await client.closed).code).toBe(4401);
    expect(client.frames.map(({ kind }) => kind.case)).toEqual(['welcome']);
  });

  test('may be refreshed only so often at once', async () => {
    const client = await rawClient(mesh.webSocketUrl);
    await client.hello(mesh.token);
    for (let index = 0; index < 100; index++)
      client.send({ kind: { case: 'refresh', value: { accessToken: 'a.b.c' } } });
    expect([4400, 4401]).toContain((await client.closed).code);
  });
});

test('a socket without a token can log in', async () => {
  const client = await rawClient(mesh.webSocketUrl);
  await client.hello('');
  expect((await client.heard('welcome')).tokenLifetime).toBe(undefined);
  client.socket.terminate();
});

test('S-56: the address that a backend hears of is the one that our own proxy saw', async () => {
  const behind = await startGateway({ env: { TRUSTED_HOPS: '1' } });
  const seenWith = async (target: StartedGateway, header: string): Promise<unknown> => {
    const client = await rawClient(target.webSocketUrl, { headers: { 'x-forwarded-for': header } });
    await client.hello(target.token);
    client.send(...unaryCall(1, ECHO));
    await client.heard('end', 1);
    client.socket.terminate();
    return target.echo.calls.at(-1)?.metadata.get('x-forwarded-for')[0];
  };
  expect(await seenWith(behind, '6.6.6.6, 203.0.113.9')).toBe('203.0.113.9');
  expect(await seenWith(mesh, '6.6.6.6')).toBe('127.0.0.1');
  await behind.stop();
});
