import { PUBLIC_SERVICES } from '@realchat/rpc';
import { startTcpProxy, type TcpProxy, until } from '@realchat/testkit';
import { AUDIENCE, ISSUER, startIssuer, type TestIssuer } from '@realchat/testkit/token-issuer';
import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, type Edge, portOf, SEND_MESSAGE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';

const UNAUTHENTICATED = 16;
const OPEN = ['Register', 'Login', 'RefreshSession', 'Logout'].map((name) => `/realchat.auth.v1.AuthService/${name}`);
const paths = (open: boolean) =>
  PUBLIC_SERVICES.flatMap((service) => service.methods.map((method) => `/${service.typeName}/${method.name}`)).filter(
    (path) => OPEN.includes(path) === open,
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

  test('S-01: only the calls that give or end a session need none', async () => {
    for (const path of paths(true)) expect([path, (await grpcCall(edge.grpc, path)).code]).toEqual([path, 0]);
  });

  const now = Math.floor(Date.now() / 1000);
  const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad: [string, string, (issuer: TestIssuer) => Promise<string> | string][] = [
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
    ['S-16 with an HMAC of the public key', 'TOKEN_INVALID', async (issuer) => signedByPublicKey(issuer)],
    ['signed by a key of someone else', 'TOKEN_INVALID', (issuer) => forged(issuer)],
    [
      'with another payload under the signature',
      'TOKEN_INVALID',
      async (issuer) => {
        const [head, , signature] = parts(await issuer.sign());
        return `${head}.${base64url({ iss: ISSUER, aud: AUDIENCE, sub: 'bob', exp: now + 300 })}.${signature}`;
      },
    ],
    ['S-17 with an unknown key id', 'TOKEN_INVALID', (issuer) => issuer.sign({}, { kid: '../../etc/passwd' })],
    ['S-18 of another issuer', 'TOKEN_INVALID', (issuer) => issuer.sign({ iss: 'https://elsewhere.test' })],
    ['S-18 for another audience', 'TOKEN_INVALID', (issuer) => issuer.sign({ aud: 'something-else' })],
    ['S-18 without a subject', 'TOKEN_INVALID', (issuer) => issuer.sign({ sub: undefined })],
    ['S-19 that has expired', 'TOKEN_EXPIRED', (issuer) => issuer.sign({ iat: now - 600, exp: now - 300 })],
    ['S-19 that begins later', 'TOKEN_INVALID', (issuer) => issuer.sign({ nbf: now + 300 })],
    ['S-19 that never ends', 'TOKEN_INVALID', (issuer) => issuer.sign({ exp: undefined })],
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
    const { text } = await edge.envoy.accessLog(answer.headers);
    expect(text).not.toContain('access_token');
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
  let issuer: TestIssuer;
  let wire: TcpProxy;
  beforeAll(async () => {
    issuer = await startIssuer();
    wire = await startTcpProxy({ host: '127.0.0.1', port: portOf(issuer) });
    wire.cut();
    edge = await startEdge({ upstreams: { jwks: at(wire.port) } });
  });
  afterAll(async () => {
    await edge.stop();
    await wire.stop();
    await issuer.stop();
  });

  test('tokens pass to the services, which keep the keys; once auth answers, Envoy verifies, and goes on without it', async () => {
    const valid = { authorization: `Bearer ${await issuer.sign()}` };
    const bad = { authorization: `Bearer ${await forged(issuer)}` };
    const codeOf = async (headers: Record<string, string>) =>
      (await grpcCall(edge.grpc, SEND_MESSAGE, undefined, headers)).code;
    expect([await codeOf(valid), await codeOf(bad)]).toEqual([0, 0]);
    await expectRefusal(edge, SEND_MESSAGE, {}, 'TOKEN_MISSING');

    wire.restore();
    await until('Envoy has the keys', async () => (await codeOf(bad)) === UNAUTHENTICATED);
    await expectRefusal(edge, SEND_MESSAGE, bad, 'TOKEN_INVALID');
    expect(await codeOf(valid)).toBe(0);

    wire.cut();
    expect([await codeOf(valid), await codeOf(bad)]).toEqual([0, UNAUTHENTICATED]);
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

async function forged(issuer: TestIssuer): Promise<string> {
  return issuer.sign({}, {}, (await generateKeyPair('ES256')).privateKey);
}

/** With the public key, which anyone has, as the secret of an HMAC. */
async function signedByPublicKey(issuer: TestIssuer): Promise<string> {
  const { keys } = (await (await fetch(issuer.url)).json()) as { keys: [JWK] };
  const secret = Buffer.from(await exportSPKI((await importJWK(keys[0])) as CryptoKey));
  const claims = JSON.parse(Buffer.from(parts(await issuer.sign())[1] ?? '', 'base64url').toString());
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' }).sign(secret);
}
