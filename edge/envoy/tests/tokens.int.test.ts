import { PUBLIC_SERVICES } from '@realchat/rpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, type Edge, SEND_MESSAGE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './free-ports.ts';
import { grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

const UNAUTHENTICATED = 16;
const paths = (open: boolean) =>
  PUBLIC_SERVICES.filter((service) => service.typeName.endsWith('AuthService') === open).flatMap((service) =>
    service.methods.map((method) => `/${service.typeName}/${method.name}`),
  );

describe('a call needs a good token', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge();
  });
  afterAll(() => edge.stop());

  const reached = () => edge.service.seen.length + edge.gateway.seen.length;

  test.each(paths(false))(
    'S-01: %s without a token is UNAUTHENTICATED in each protocol, and reaches nothing',
    async (path) => {
      const before = reached();
      await expectRefusal(edge, path, {}, 'TOKEN_MISSING');
      expect(reached()).toBe(before);
    },
  );

  test('S-01: only the calls of AuthService need none', async () => {
    for (const path of paths(true)) expect([path, (await grpcCall(edge.grpc, path)).code]).toEqual([path, 0]);
  });

  const now = Math.floor(Date.now() / 1000);
  const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad: [string, string, (issuer: TokenIssuer) => Promise<string> | string][] = [
    ['S-15 with alg none', 'TOKEN_INVALID', async (issuer) => unsigned(await issuer.sign(), 'none')],
    ['S-15 with alg NoNe', 'TOKEN_INVALID', async (issuer) => unsigned(await issuer.sign(), 'NoNe')],
    [
      'S-15 without its signature',
      'TOKEN_INVALID',
      async (issuer) =>
        `${parts(await issuer.sign())
          .slice(0, 2)
          .join('.')}.`,
    ],
    ['S-16 with an HMAC of the public key', 'TOKEN_INVALID', async (issuer) => issuer.confuse()],
    ['signed by a key of someone else', 'TOKEN_INVALID', (issuer) => issuer.forge()],
    [
      'with another payload under the signature',
      'TOKEN_INVALID',
      async (issuer) => {
        const [head, , signature] = parts(await issuer.sign());
        return `${head}.${base64url({ iss: 'https://auth.realchat.test', aud: 'realchat', sub: 'bob', exp: now + 300 })}.${signature}`;
      },
    ],
    ['S-17 with an unknown key id', 'TOKEN_INVALID', (issuer) => issuer.sign({}, { kid: '../../etc/passwd' })],
    ['S-18 of another issuer', 'TOKEN_INVALID', (issuer) => issuer.sign({ iss: 'https://elsewhere.test' })],
    ['S-18 for another audience', 'TOKEN_INVALID', (issuer) => issuer.sign({ aud: 'something-else' })],
    ['S-18 without a subject', 'TOKEN_INVALID', (issuer) => issuer.sign({ sub: null })],
    ['S-19 that has expired', 'TOKEN_EXPIRED', (issuer) => issuer.sign({ iat: now - 600, exp: now - 300 })],
    ['S-19 that begins later', 'TOKEN_INVALID', (issuer) => issuer.sign({ nbf: now + 300 })],
    ['S-19 that never ends', 'TOKEN_INVALID', (issuer) => issuer.sign({ exp: null })],
    ['that is none', 'TOKEN_INVALID', () => 'abc.def.ghi'],
    ['that is empty', 'TOKEN_INVALID', () => ''],
  ];

  test.each(bad)('a token %s is refused as %s, and reaches nothing', async (_name, reason, make) => {
    const before = reached();
    await expectRefusal(edge, SEND_MESSAGE, { authorization: `Bearer ${await make(edge.issuer)}` }, reason);
    expect(reached()).toBe(before);
  });

  test('S-27: a token in the query is none', async () => {
    const path = `${SEND_MESSAGE}?access_token=${await edge.issuer.sign()}`;
    const answer = await http2Request(edge.target, { ':path': path, 'content-type': 'application/json' }, '{}');
    expect(readConnectError(answer.body).reason).toBe('TOKEN_MISSING');
    expect(JSON.stringify(await edge.envoy.accessLog())).not.toContain('access_token');
  });

  test('the service gets the token that it has to verify itself', async () => {
    const token = await edge.authorized();
    await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token);
    expect(edge.service.seen.at(-1)?.metadata).toMatchObject(token);
  });

  test('the scheme is written in any case that clients use', async () => {
    const authorization = (await edge.authorized()).authorization.replace('Bearer', 'bearer');
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, { authorization })).code).toBe(0);
  });
});

describe('when Envoy starts while auth is away', () => {
  let edge: Edge;
  let keysPort: number;
  beforeAll(async () => {
    [keysPort = 0] = await freePorts(1);
    edge = await startEdge({ upstreams: { jwks: at(keysPort) } });
  });
  afterAll(() => edge.stop());

  test('tokens pass to the services, which keep the keys; a call without one does not; with auth, Envoy verifies again', async () => {
    const valid = await edge.authorized();
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, valid)).code).toBe(0);
    await expectRefusal(edge, SEND_MESSAGE, {}, 'TOKEN_MISSING');

    const auth = await startTokenIssuer(keysPort);
    const fromNow = { authorization: `Bearer ${await auth.sign()}` };
    await eventually(async () => (await grpcCall(edge.grpc, SEND_MESSAGE, undefined, valid)).code === UNAUTHENTICATED);
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, fromNow)).code).toBe(0);
    await expectRefusal(edge, SEND_MESSAGE, valid, 'TOKEN_INVALID');

    await auth.stop();
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, fromNow)).code).toBe(0);
  });
});

async function expectRefusal(edge: Edge, path: string, headers: Record<string, string>, reason: string) {
  const expected = { code: UNAUTHENTICATED, domain: 'realchat.dev', reason, retryAfterSeconds: undefined };
  const native = await grpcCall(edge.grpc, path, undefined, headers);
  expect([native.code, readErrorFacts(native.details)]).toEqual([UNAUTHENTICATED, expected]);

  const web = await grpcWebCall(edge.target, path, undefined, { ...headers, origin: edge.envoy.tls.origin });
  expect([web.status, readErrorFacts(web.details)]).toEqual([UNAUTHENTICATED, expected]);
  expect(web.answer.headers['access-control-allow-origin']).toBe(edge.envoy.tls.origin);

  const connect = await http2Request(
    edge.target,
    { ':path': path, 'content-type': 'application/json', origin: edge.envoy.tls.origin, ...headers },
    '{}',
  );
  expect([connect.status, readConnectError(connect.body)]).toMatchObject([401, { code: 'unauthenticated', reason }]);
  expect(connect.headers['access-control-allow-origin']).toBe(edge.envoy.tls.origin);
}

function parts(token: string): string[] {
  return token.split('.');
}

function unsigned(token: string, alg: string): string {
  const head = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: 'key-1' })).toString('base64url');
  return `${head}.${parts(token)[1]}.`;
}
