import { connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Edge, SEND_MESSAGE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';

const RESOURCE_EXHAUSTED = 8;
const TOO_LARGE = new Uint8Array(4 * 1024 * 1024 + 1);

describe('no more than the limits', () => {
  let edge: Edge;
  let token: { authorization: string };
  beforeAll(async () => {
    edge = await startEdge({ limits: { maxConnections: 40 } });
    token = await edge.authorized();
  });
  afterAll(() => edge.stop());

  const reached = () => edge.service.seen.length + edge.gateway.seen.length;

  test('S-35: a body over 4 MiB is RESOURCE_EXHAUSTED in each protocol, and reaches nothing', async () => {
    const before = reached();
    const native = await grpcCall(edge.grpc, SEND_MESSAGE, TOO_LARGE, token);
    expect([native.code, readErrorFacts(native.details).reason]).toEqual([RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE']);
    const web = await grpcWebCall(edge.target, SEND_MESSAGE, TOO_LARGE, token);
    expect([web.status, readErrorFacts(web.details).reason]).toEqual([RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE']);
    const json = { ':path': SEND_MESSAGE, 'content-type': 'application/json', ...token };
    const connectAnswer = await http2Request(edge.target, json, TOO_LARGE);
    expect([connectAnswer.status, readConnectError(connectAnswer.body)]).toMatchObject([
      413,
      { code: 'resource_exhausted', reason: 'REQUEST_TOO_LARGE' },
    ]);
    expect(reached()).toBe(before);
  });

  test('a body just under 4 MiB passes', async () => {
    const nearly = new Uint8Array(4 * 1024 * 1024 - 100);
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, nearly, token)).code).toBe(0);
    expect((await grpcWebCall(edge.target, SEND_MESSAGE, nearly, token)).status).toBe(0);
  });

  test('S-45: too large, too many and misnamed headers are refused; other calls of the connection live', async () => {
    const session = connect(`https://localhost:${edge.envoy.tls.port}`, { ca: edge.envoy.ca });
    const status = (headers: Record<string, string>) =>
      new Promise<number | string>((resolve) => {
        const stream = session.request({ ':path': '/', ...headers });
        stream.on('response', (answer) => resolve(answer[':status'] ?? 0));
        stream.on('error', () => resolve('refused'));
        stream.resume();
      });
    expect(await status({})).toBe(200);
    const before = reached();
    expect(await status({ 'x-large': 'a'.repeat(20_000) })).toBe('refused');
    expect(await status({ under_score: '1' })).toBe('refused');
    expect(await status(Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`x-${i}`, 'a'])))).toBe('refused');
    expect(reached()).toBe(before);
    expect(await status({})).toBe(200);
    session.close();

    const plain = await fetch(`http://127.0.0.1:${edge.envoy.plain.port}/`, {
      headers: { 'x-large': 'a'.repeat(20_000) },
    });
    expect(plain.status).toBe(431);
  });

  test('S-44: a request with two lengths reaches nothing', async () => {
    const before = reached();
    const answer = await raw(
      edge.envoy.plain.port,
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect(reached()).toBe(before);
  });

  test('S-43: a connection has 100 streams at a time', async () => {
    const session = connect(`https://localhost:${edge.envoy.tls.port}`, { ca: edge.envoy.ca });
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
    session.destroy();
  });

  test('connections beyond the limit are closed at once; those open go on', async () => {
    const open = await Promise.all(Array.from({ length: 60 }, () => tcp(edge.envoy.plain.port)));
    await expect.poll(() => open.filter((socket) => socket.closed).length).toBeGreaterThan(15);
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token)).code).toBe(0);
    for (const socket of open) socket.destroy();
  });
});

function tcp(port: number) {
  return new Promise<ReturnType<typeof connectTcp>>((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => {});
    socket.resume();
  });
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
