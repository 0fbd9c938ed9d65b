import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALLOWED_ORIGIN, type StartedGateway, startGateway } from './start-gateway.ts';

const GET_PROFILE = '/realchat.profile.v1.ProfileService/GetProfile';
const LOGIN = '/realchat.auth.v1.AuthService/Login';
const ECHO = '/realchat.test.v1.EchoService/Unary';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway();
});
afterAll(() => mesh.stop());

interface Answer {
  readonly status: number;
  readonly body: {
    code?: string;
    message?: string;
    details?: { type: string; debug?: { reason?: string } }[];
    [name: string]: unknown;
  };
  readonly headers: Headers;
}

async function call(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(mesh.http + path, {
    method: 'POST',
    body: body as BodyInit,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${mesh.token}`, ...headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    headers: response.headers,
  };
}

function reasonOf({ body }: Pick<Answer, 'body'>): string | undefined {
  return body.details?.find(({ type }) => type === 'google.rpc.ErrorInfo')?.debug?.reason;
}

/** A request by hand, for what `fetch` would not send. */
async function raw(request: string): Promise<string> {
  const socket = connect(mesh.gateway.ports.http, '127.0.0.1');
  socket.write(request);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
    socket.end();
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

describe('a call by plain JSON', () => {
  test("is answered in JSON, with the backend's headers and trailers", async () => {
    const { status, body, headers } = await call(ECHO, '{"text":"hello","data":"AP8="}', { 'x-mine': '1' });
    expect([status, body]).toEqual([200, { text: 'hello', data: 'AP8=' }]);
    expect([headers.get('x-header'), headers.get('trailer-x-trailer')]).toEqual(['of the backend', 'of the backend']);
    const seen = mesh.echo.calls.at(-1)?.metadata;
    expect([seen?.get('x-mine'), seen?.get('authorization')]).toEqual([['1'], [`Bearer ${mesh.token}`]]);
    expect(seen?.get('x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(Object.keys(seen?.toJSON() ?? {}).sort()).toEqual([
      'authorization',
      'traceparent',
      'user-agent',
      'x-forwarded-for',
      'x-mine',
    ]);
  });

  test('goes by GET where the contract says that it has no side effects', async () => {
    const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"username":"ada"}' });
    const headers = { authorization: `Bearer ${mesh.token}` };
    const response = await fetch(`${mesh.http}${GET_PROFILE}?${query}`, { headers });
    expect(await response.json()).toEqual({ profile: { userId: 'user-1', username: 'ada' } });
    expect((await fetch(`${mesh.http}${LOGIN}?${query}`)).status).toBe(405);
  });

  test('needs no token where the contract says so', async () => {
    const headers = { authorization: '' };
    expect((await call(LOGIN, '{"username":"ada","password":"p"}', headers)).body['userId']).toBe('ada');
  });

  test.each([
    ['no token', '', 'TOKEN_MISSING'],
    ['a forged token', 'Bearer a.b.c', 'TOKEN_INVALID'],
    ['another scheme', 'Basic YTpi', 'TOKEN_MISSING'],
  ])('with %s is refused before its body is read', async (_, authorization, reason) => {
    const { status, body } = await call(GET_PROFILE, 'this is no JSON', { authorization });
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
    expect(body.details?.[0]).toMatchObject({
      type: 'google.rpc.ErrorInfo',
      debug: { reason, domain: 'realchat.dev' },
    });
  });

  test('that fails has the details of the backend', async () => {
    const { status, body, headers } = await call(ECHO, '{"text":"fail"}');
    expect([status, body.code, body.message]).toEqual([400, 'failed_precondition', 'as you wished: ü']);
    expect(body.details?.map(({ type }) => type)).toEqual(['google.rpc.ErrorInfo', 'google.rpc.RetryInfo']);
    expect(headers.get('x-trailer')).toBe('of the backend');
  });

  test('has a deadline, which reaches the backend and comes back as one', async () => {
    const { status, body } = await call(ECHO, '{"text":"hang"}', { 'connect-timeout-ms': '100' });
    expect([status, body.code]).toEqual([504, 'deadline_exceeded']);
    expect(mesh.echo.calls.at(-1)?.timeoutMs).toBeLessThanOrEqual(100);
    await expect.poll(() => mesh.echo.calls.at(-1)?.cancelled).toBe(true);
  });

  test('that its client gives up is cancelled at the backend', async () => {
    const count = mesh.echo.calls.length;
    const controller = new AbortController();
    const response = fetch(mesh.http + ECHO, {
      method: 'POST',
      body: '{"text":"hang"}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${mesh.token}` },
      signal: controller.signal,
    }).catch(() => undefined);
    await expect.poll(() => mesh.echo.calls.length).toBe(count + 1);
    controller.abort();
    await response;
    await expect.poll(() => mesh.echo.calls[count]?.cancelled).toBe(true);
  });
});

describe('what is no proper call', () => {
  test.each([
    ['no JSON', 'no JSON'],
    ['a key that is there twice', '{"text":"a","text":"b"}'],
    ['the same key in an escape', '{"text":"a","te\\u0078t":"b"}'],
    ['a key that the contract does not have', '{"txet":"a"}'],
    ['__proto__', '{"__proto__":{"text":"a"}}'],
    ['constructor', '{"constructor":{"prototype":{"text":"a"}}}'],
    ['a number too large for its field', '{"count":4294967296}'],
    ['a number beyond all bounds', `{"count":1e999}`],
    ['a fraction where a whole number must be', '{"count":1.5}'],
    ['a value of another type', '{"text":7}'],
    ['base64 that is none', '{"data":"%%%"}'],
    ['ten thousand brackets', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['an array', '[]'],
    ['a lone surrogate', '{"text":"\\ud800"}'],
  ])('S-39: is INVALID_ARGUMENT: %s', async (_, body) => {
    const answer = await call(ECHO, body);
    expect([answer.status, answer.body.code, reasonOf(answer)]).toEqual([400, 'invalid_argument', 'MALFORMED_MESSAGE']);
    expect(({} as Record<string, unknown>)['text']).toBe(undefined);
  });

  test.each([
    ['txet', '{"txet":"a"}'],
    ['count', '{"count":1.5}'],
    ['text', '{"text":7}'],
    ['data', '{"data":"%%%"}'],
  ])('S-39: names the field at fault: %s', async (field, body) => {
    const { details } = (await call(ECHO, body)).body;
    expect(details?.[1]).toMatchObject({
      type: 'google.rpc.BadRequest',
      debug: { fieldViolations: [{ field }] },
    });
  });

  test('is INVALID_ARGUMENT: bytes that are no UTF-8', async () => {
    const answer = await call(ECHO, Buffer.from('7b2274657874223a22ff227d', 'hex'));
    expect(answer.body.code).toBe('invalid_argument');
  });

  test('S-39: is refused by its content type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/xml']) {
      const answer = await call(ECHO, '{}', { 'content-type': type });
      expect([answer.status, reasonOf(answer)]).toEqual([415, 'CONTENT_TYPE_UNKNOWN']);
    }
  });

  test('S-39: is refused by GET where it may have effects', async () => {
    const response = await fetch(mesh.http + LOGIN);
    const body = (await response.json()) as Answer['body'];
    expect([response.status, response.headers.get('allow'), reasonOf({ body })]).toEqual([
      405,
      'POST',
      'HTTP_METHOD_NOT_ALLOWED',
    ]);
  });

  test('S-36: is refused when it is too large, gzipped or not', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(5_000_000) });
    const tooLarge = await call(ECHO, large);
    expect([tooLarge.body.code, reasonOf(tooLarge)]).toEqual(['resource_exhausted', 'REQUEST_TOO_LARGE']);
    const bomb = gzipSync(JSON.stringify({ text: 'x'.repeat(100_000_000) }));
    expect((await call(ECHO, bomb, { 'content-encoding': 'gzip' })).body.code).toBe('resource_exhausted');
    expect((await call(ECHO, '{}', { 'content-encoding': 'br' })).status).toBeGreaterThanOrEqual(400);
  });

  test('is refused to the page of another origin, and answered to an allowed one', async () => {
    const foreign = await call(LOGIN, '{"username":"ada","password":"p"}', { origin: 'https://evil.example.com' });
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const ours = await call(LOGIN, '{"username":"ada","password":"p"}', { origin: ALLOWED_ORIGIN });
    expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([200, ALLOWED_ORIGIN]);
    expect(ours.headers.get('access-control-allow-credentials')).toBe(null);
  });

  test('is refused in a preflight too, which allows what a call needs', async () => {
    const preflight = (origin: string) =>
      fetch(mesh.http + LOGIN, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const ours = await preflight(ALLOWED_ORIGIN);
    expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([204, ALLOWED_ORIGIN]);
    expect(ours.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
    expect((await preflight('https://evil.example.com')).status).toBe(403);
  });

  test.each(['/realchat.messaging.v1.LogService/ReadLog', '/realchat.test.v1.EchoService/Nothing', '/nothing'])(
    'is nowhere: %s',
    async (path) => {
      const { status, body } = await call(path, '{}');
      expect([status, body.code]).toEqual([404, 'unimplemented']);
      const read = await fetch(mesh.http + path);
      expect([read.status, ((await read.json()) as { code: string }).code]).toEqual([404, 'not_found']);
    },
  );

  test('does not end the process: a malformed host, URL or header', async () => {
    for (const host of ['[', 'a b', '', 'x:99999999']) {
      expect(await raw(`POST ${ECHO} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`)).not.toContain('200 OK');
    }
    await raw('GET //[ HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw('GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    await raw('\x00\x01\x02\r\n\r\n');
    expect((await call(ECHO, '{"text":"still here"}')).status).toBe(200);
  });
});
