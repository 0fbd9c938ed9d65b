import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Edge, LIST_MESSAGES, SEND_MESSAGE, startEdge } from './edge.ts';
import { grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const FORGED = {
  'x-user-id': 'mallory',
  'x-jwt-payload': 'eyJzdWIiOiJtYWxsb3J5In0',
  'x-internal-auth': 'yes',
  'x-internal-service': 'messaging',
  'x-envoy-internal': 'true',
  'x-envoy-retry-on': '5xx',
  'x-envoy-upstream-rq-timeout-ms': '999999',
  'x-envoy-external-address': '6.6.6.6',
  'x-envoy-original-path': '/',
  'x-forwarded-user': 'mallory',
  'x-forwarded-email': 'mallory@example.com',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-client-cert': 'By=spiffe://x',
  'x-auth-request-user': 'mallory',
  'x-real-ip': '6.6.6.6',
  forwarded: 'for=6.6.6.6',
  'remote-user': 'mallory',
  tracestate: 'vendor=x',
  baggage: 'user=mallory',
};

const NOISE = {
  'sec-fetch-site': 'same-origin',
  'sec-ch-ua': '"Chromium"',
  referer: 'https://localhost/',
  cookie: 'a=b',
  'accept-language': 'de',
  accept: '*/*',
};

describe('what services see of a request', () => {
  let edge: Edge;
  let token: { authorization: string };
  beforeAll(async () => {
    edge = await startEdge();
    token = await edge.authorized();
  });
  afterAll(() => edge.stop());

  const seenByService = () => edge.service.seen.at(-1)?.metadata ?? {};
  const seenByGateway = () => edge.gateway.seen.at(-1)?.headers ?? {};

  test('S-06: headers that only our side may set are stripped, for every protocol', async () => {
    await grpcCall(edge.grpc, SEND_MESSAGE, undefined, { ...token, ...FORGED });
    expect(Object.keys(FORGED).filter((name) => name in seenByService())).toEqual([]);
    await grpcWebCall(edge.target, SEND_MESSAGE, undefined, { ...token, ...FORGED });
    expect(Object.keys(FORGED).filter((name) => name in seenByService())).toEqual([]);
    await http2Request(
      edge.target,
      { ':path': SEND_MESSAGE, 'content-type': 'application/json', ...token, ...FORGED },
      '{}',
    );
    expect(Object.keys(FORGED).filter((name) => name in seenByGateway())).toEqual([]);
    await http2Request(edge.target, { ':path': '/', ...FORGED });
    expect(Object.keys(FORGED).filter((name) => name in seenByGateway())).toEqual([]);
  });

  test('what browsers add does not become metadata of a call', async () => {
    await grpcWebCall(edge.target, SEND_MESSAGE, undefined, {
      ...token,
      ...NOISE,
      origin: edge.envoy.tls.origin,
      'x-grpc-web': '1',
    });
    const noise = [...Object.keys(NOISE), 'origin', 'x-grpc-web'];
    expect(noise.filter((name) => name in seenByService())).toEqual([]);
  });

  test('what a client adds to a call arrives', async () => {
    await grpcWebCall(edge.target, SEND_MESSAGE, undefined, { ...token, 'x-client-version': '7' });
    expect(seenByService()).toMatchObject({ 'x-client-version': '7' });
  });

  test('the trace of the click goes on, and is in the access log with the request id', async () => {
    const { answer } = await grpcWebCall(edge.target, SEND_MESSAGE, undefined, {
      ...token,
      traceparent: TRACEPARENT,
      'x-request-id': 'forged',
    });
    const requestId = answer.headers['x-request-id'];
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(seenByService()).toMatchObject({ traceparent: TRACEPARENT, 'x-request-id': requestId });
    const { line } = await edge.envoy.accessLog(answer.headers);
    expect(line).toMatchObject({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      path: SEND_MESSAGE,
      content_type: 'application/grpc-web+proto',
      status: 200,
      user_id: 'user-1',
      route: 'grpc',
    });
  });

  test('S-27, S-66: neither query nor token is in the access log', async () => {
    const query = { ':path': `${LIST_MESSAGES}?message=private`, ...token, cookie: 'session=private' };
    const answer = await http2Request(edge.target, query);
    expect(answer.status).toBe(200);
    const { text } = await edge.envoy.accessLog(answer.headers);
    expect(text).toContain(LIST_MESSAGES);
    expect(text).not.toContain('private');
    expect(text).not.toContain(token.authorization.slice(7));
  });

  test('S-65: a malformed traceparent is no trace id in the log', async () => {
    const { answer } = await grpcWebCall(edge.target, SEND_MESSAGE, undefined, { ...token, traceparent: 'x"}\\n{' });
    const { line } = await edge.envoy.accessLog(answer.headers);
    expect(line).not.toHaveProperty('trace_id');
  });

  test('S-56: the address is the one that Envoy saw, whatever the client says', async () => {
    for (const forwarded of ['6.6.6.6', '6.6.6.6, 7.7.7.7', '127.0.0.1, ::1', 'garbage']) {
      await grpcCall(edge.grpc, SEND_MESSAGE, undefined, { ...token, 'x-forwarded-for': forwarded });
      expect(seenByService()).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' });
    }
  });

  test('answers tell nothing of the inside and are not to be sniffed', async () => {
    const { headers } = await http2Request(edge.target, { ':path': '/healthz' });
    expect(headers).toMatchObject({ server: 'realchat', 'x-content-type-options': 'nosniff' });
    expect(Object.keys(headers).filter((name) => name.startsWith('x-envoy'))).toEqual([]);
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});

describe('behind one proxy of ours', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge({ trustedHops: 1 });
  });
  afterAll(() => edge.stop());

  test('S-56: the address is the last that the proxy wrote, not what the client put before it', async () => {
    await grpcCall(edge.grpc, SEND_MESSAGE, undefined, {
      ...(await edge.authorized()),
      'x-forwarded-for': '6.6.6.6, 203.0.113.9',
    });
    expect(edge.service.seen.at(-1)?.metadata).toMatchObject({ 'x-forwarded-for': '203.0.113.9' });
  });
});
