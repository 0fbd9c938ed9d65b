import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Edge, SEND_MESSAGE, startEdge } from './edge.ts';
import { frame } from './grpc-web.ts';
import { type Answer, http2Request } from './http2-request.ts';

const CONTENT_TYPES = ['application/grpc-web+proto', 'application/json', 'text/plain', 'application/grpc'];

describe('only pages of our origins may call', () => {
  let edge: Edge;
  let token: { authorization: string };

  beforeAll(async () => {
    edge = await startEdge({ allowedOrigins: ['https://chat.example.com'] });
    token = await edge.authorized();
  });
  afterAll(() => edge.stop());

  const reached = () => edge.service.seen.length + edge.gateway.seen.length;
  const call = (origin: string, contentType: string) =>
    http2Request(
      edge.target,
      { ':path': SEND_MESSAGE, origin, 'content-type': contentType, ...token },
      frame(new Uint8Array()),
    );
  const preflight = (origin: string) =>
    http2Request(edge.target, {
      ':method': 'OPTIONS',
      ':path': SEND_MESSAGE,
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-grpc-web,traceparent',
    });
  const corsHeaders = ({ headers }: Answer) =>
    Object.keys(headers).filter((name) => name.startsWith('access-control-'));

  const foreign = [
    'https://evil.example',
    'null',
    'https://chat.example.com.evil.example',
    'https://evil-chat.example.com',
    'https://evil.example/https://chat.example.com',
    'http://chat.example.com',
    'https://chat.example.com:444',
    'https://CHAT.example.com',
    'https://chat.example.com, https://evil.example',
    '',
  ];

  test.each(foreign)('S-31, S-34: a call from the origin %j is refused before anything is reached', async (origin) => {
    const before = reached();
    for (const contentType of CONTENT_TYPES) {
      const answer = await call(origin, contentType);
      const refused = answer.status === 403 || answer.headers['grpc-status'] === '7';
      expect([contentType, refused, corsHeaders(answer)]).toEqual([contentType, true, []]);
    }
    expect(reached()).toBe(before);
  });

  test.each(foreign)('S-34: a preflight from the origin %j allows nothing', async (origin) => {
    const before = reached();
    const answer = await preflight(origin);
    expect([answer.status, corsHeaders(answer)]).toEqual([403, []]);
    expect(reached()).toBe(before);
  });

  test.each(foreign)('S-31, S-32: a WebSocket from the origin %j is refused, with any cookie', async (origin) => {
    const before = reached();
    const socket = new WebSocket(`wss://localhost:${edge.envoy.tls.port}/ws`, {
      ca: edge.envoy.ca,
      headers: { origin, cookie: 'session=stolen' },
    });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve('open'));
      socket.on('error', () => resolve('error'));
    });
    socket.terminate();
    expect(status).toBe(403);
    expect(reached()).toBe(before);
  });

  test('a foreign origin is refused on every other path too', async () => {
    const before = reached();
    for (const path of ['/', '/main.js', '/ws', '/.well-known/jwks.json', '/healthz', '/nowhere']) {
      const answer = await http2Request(edge.target, { ':path': path, origin: 'https://evil.example' });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    expect(reached()).toBe(before);
  });

  test('an allowed origin gets its preflight answered by Envoy and can read answers and errors', async () => {
    const before = reached();
    const allowed = await preflight('https://chat.example.com');
    expect(allowed.status).toBe(200);
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': 'https://chat.example.com',
      'access-control-allow-methods': 'GET, POST',
    });
    expect(allowed.headers['access-control-allow-headers']).not.toContain('*');
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    expect(reached()).toBe(before);

    const answer = await call('https://chat.example.com', 'application/grpc-web+proto');
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-expose-headers']).toContain('grpc-status-details-bin');
    expect(reached()).toBe(before + 1);
  });

  test('a program, which sends no origin, may call', async () => {
    const answer = await http2Request(
      edge.target,
      { ':path': SEND_MESSAGE, 'content-type': 'application/json', ...token },
      '{}',
    );
    expect(answer.status).toBe(200);
  });
});
