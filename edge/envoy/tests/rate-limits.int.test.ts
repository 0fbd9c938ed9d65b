import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { DescMethod } from '@bufbuild/protobuf';
import { RateLimitService } from '@realchat/gen/envoy/service/ratelimit/v3/rls';
import { LIMITS, type LimitName, type LimitTable } from '@realchat/limits';
import { createGrpcServer, type GrpcServer, type Implementation, implement } from '@realchat/rpc';
import { recordedTelemetry, redisUrl, startTcpProxy, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, type Edge, GET_PROFILE, LOGIN, SEND_MESSAGE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { freePorts } from './free-ports.ts';
import { type GrpcResult, grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';

const RESOURCE_EXHAUSTED = 8;
const ASKED_MANY = '/realchat.profile.v1.ProfileService/SearchProfiles';

const tableWith = (
  changes: Partial<Record<LimitName, { count: number; seconds: number; burst: number }>>,
): LimitTable => ({
  ...LIMITS,
  ...Object.fromEntries(
    Object.entries(changes).map(([name, rate]) => [name, { ...LIMITS[name as LimitName], ...rate }]),
  ),
});

/** The rate limit service of a gateway, in a process of its own. */
async function startRateLimits(table: LimitTable): Promise<{ port: number; stop(): void }> {
  const worker = fork(new URL('rate-limit-worker.ts', import.meta.url), {
    env: { ...process.env, REDIS_URL: redisUrl(), TABLE: JSON.stringify(table, withMethods) },
  });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, stop: () => worker.kill('SIGKILL') };
}

/** Of a method, what names it. */
function withMethods(key: string, value: unknown): unknown {
  if (key !== 'methods') return value;
  return (value as DescMethod[]).map(({ name, parent }) => ({ name, parent: { typeName: parent.typeName } }));
}

async function serve(implementation: Implementation, port = 0): Promise<GrpcServer> {
  const server = createGrpcServer({
    identity: undefined,
    listen: { host: '127.0.0.1', port },
    implementations: [implementation],
    ...recordedTelemetry(),
  });
  await server.start();
  return server;
}

const refused = (result: GrpcResult) => result.code === RESOURCE_EXHAUSTED;

describe('with the rate limit service of two gateways', () => {
  let edge: Edge;
  const services: { port: number; stop(): void }[] = [];
  const table = tableWith({
    send_message: { count: 1, seconds: 60, burst: 50 },
    search_profiles: { count: 1, seconds: 60, burst: 2 },
    login_address: { count: 1, seconds: 60, burst: 2 },
  });
  beforeAll(async () => {
    services.push(await startRateLimits(table), await startRateLimits(table));
    edge = await startEdge({
      // What they decide is tested here, and not how fast they do on a machine that has other things to do.
      limits: { rateLimitTimeoutMs: 5_000 },
      trustedHops: 1,
      upstreams: { rateLimit: at(...services.map(({ port }) => port)) },
    });
  });
  afterAll(async () => {
    await edge.stop();
    for (const service of services) service.stop();
  });

  const someone = async () => ({ authorization: `Bearer ${await edge.issuer.sign({ sub: randomUUID() })}` });
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const anywhere = () => from(`198.51.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`);

  test('a call over a limit is RESOURCE_EXHAUSTED in gRPC and gRPC-Web, with the true time to come back', async () => {
    const user = { ...(await someone()), ...anywhere() };
    for (let i = 0; i < 2; i++) expect((await grpcCall(edge.grpc, ASKED_MANY, undefined, user)).code).toBe(0);
    const wanted = { code: RESOURCE_EXHAUSTED, domain: 'realchat.dev', reason: 'RATE_LIMITED' };

    const native = await grpcCall(edge.grpc, ASKED_MANY, undefined, user);
    expect(native.code).toBe(RESOURCE_EXHAUSTED);
    const facts = readErrorFacts(native.details);
    expect(facts).toMatchObject(wanted);
    expect(facts.retryAfterSeconds).toBeGreaterThanOrEqual(40);
    expect(facts.retryAfterSeconds).toBeLessThanOrEqual(60);

    const web = await grpcWebCall(edge.target, ASKED_MANY, undefined, user);
    expect([web.answer.status, web.status]).toEqual([200, RESOURCE_EXHAUSTED]);
    expect(readErrorFacts(web.details)).toMatchObject(wanted);
    expect(readErrorFacts(web.details).retryAfterSeconds).toBeGreaterThanOrEqual(40);
    expect(Number(web.answer.headers['retry-after'])).toBeGreaterThanOrEqual(40);
    expect(edge.service.seen.filter(({ path }) => path === ASKED_MANY)).toHaveLength(2);
    // Another method of the same user, and the same method of another user, are not held up.
    expect((await grpcCall(edge.grpc, GET_PROFILE, undefined, user)).code).toBe(0);
    expect((await grpcCall(edge.grpc, ASKED_MANY, undefined, { ...(await someone()), ...anywhere() })).code).toBe(0);
  });

  test('S-57: of 100 parallel calls of a user at a limit of 50, over ten addresses, 50 pass', async () => {
    const user = await someone();
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        grpcCall(edge.grpc, SEND_MESSAGE, undefined, { ...user, ...from(`192.0.2.${i % 10}`) }),
      ),
    );
    expect(Math.abs(results.filter((result) => !refused(result)).length - 50)).toBeLessThanOrEqual(1);
    expect(new Set(results.map(({ code }) => code))).toEqual(new Set([0, RESOURCE_EXHAUSTED]));
  });

  test('S-56: an address is the one that our proxy saw, however a client forges it; a /64 is one', async () => {
    const mine = '203.0.113.9';
    const forged: Record<string, string>[] = [
      { 'x-forwarded-for': `10.9.8.7, ${mine}` },
      { 'x-forwarded-for': `1.1.1.1, 2.2.2.2, 3.3.3.3, ${mine}`, 'x-real-ip': '4.4.4.4' },
      { ...from(mine), forwarded: 'for=5.5.5.5', 'true-client-ip': '6.6.6.6', 'cf-connecting-ip': '7.7.7.7' },
      { ...from(mine), 'x-envoy-external-address': '8.8.8.8', 'x-client-ip': '9.9.9.9' },
    ];
    const codes: number[] = [];
    for (const headers of forged) codes.push((await grpcCall(edge.grpc, LOGIN, undefined, headers)).code);
    expect(codes).toEqual([0, 0, RESOURCE_EXHAUSTED, RESOURCE_EXHAUSTED]);

    const six: number[] = [];
    for (let i = 1; i <= 4; i++)
      six.push((await grpcCall(edge.grpc, LOGIN, undefined, from(`2001:db8:5:6:${i}::1`))).code);
    expect(six).toEqual([0, 0, RESOURCE_EXHAUSTED, RESOURCE_EXHAUSTED]);
    expect((await grpcCall(edge.grpc, LOGIN, undefined, from('2001:db8:5:7::1'))).code).toBe(0);
  });
});

describe('without a rate limit service', () => {
  let edge: Edge;
  let port = 0;
  beforeAll(async () => {
    [port = 0] = await freePorts(1);
    edge = await startEdge({
      rateLimits: tableWith({ login_address: { count: 1, seconds: 7, burst: 4 } }),
      trustedHops: 1,
      upstreams: { rateLimit: at(port) },
    });
  });
  afterAll(() => edge.stop());

  test('S-58: calls go on, and a flood of logins is held by a bucket for each address, in each protocol', async () => {
    const codes: number[] = [];
    const mine = { 'x-forwarded-for': '203.0.113.20' };
    for (let i = 0; i < 30; i++) codes.push((await grpcCall(edge.grpc, LOGIN, undefined, mine)).code);
    // 4, a quarter more, and one that came meanwhile at the most.
    const passed = codes.filter((code) => code === 0).length;
    expect(passed).toBeGreaterThanOrEqual(4);
    expect(passed).toBeLessThanOrEqual(7);
    expect(new Set(codes)).toEqual(new Set([0, RESOURCE_EXHAUSTED]));
    const native = await grpcCall(edge.grpc, LOGIN, undefined, mine);
    const wanted = { domain: 'realchat.dev', reason: 'RATE_LIMITED', retryAfterSeconds: 7 };
    expect(readErrorFacts(native.details)).toMatchObject(wanted);
    const web = await grpcWebCall(edge.target, LOGIN, undefined, mine);
    expect([web.status, web.answer.headers['retry-after']]).toEqual([RESOURCE_EXHAUSTED, '7']);
    expect(readErrorFacts(web.details)).toMatchObject(wanted);

    const json = { ':path': LOGIN, 'content-type': 'application/json', ...mine };
    let answer = await http2Request(edge.target, json, Buffer.from('{}'));
    for (let i = 0; i < 10; i++) answer = await http2Request(edge.target, json, Buffer.from('{}'));
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(readConnectError(answer.body)).toMatchObject({ code: 'resource_exhausted', reason: 'RATE_LIMITED' });

    expect((await grpcCall(edge.grpc, LOGIN, undefined, { 'x-forwarded-for': '203.0.113.21' })).code).toBe(0);
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, await edge.authorized())).code).toBe(0);
  });

  test('S-56: a flood from all over a /64 is held by one bucket, and its neighbour by another', async () => {
    const codes: number[] = [];
    for (let i = 1; i <= 30; i++) {
      const host = { 'x-forwarded-for': `2001:db8:9:9:${i.toString(16)}::${i.toString(16)}` };
      codes.push((await grpcCall(edge.grpc, LOGIN, undefined, host)).code);
    }
    const passed = codes.filter((code) => code === 0).length;
    expect(passed).toBeGreaterThanOrEqual(4);
    expect(passed).toBeLessThanOrEqual(7);
    expect((await grpcCall(edge.grpc, LOGIN, undefined, { 'x-forwarded-for': '2001:db8:9:a::1' })).code).toBe(0);
  });

  test('S-58: one that hangs costs five calls 50 ms each, and is asked again when it is back', async () => {
    let hangs = true;
    let asked = 0;
    const server = await serve(
      implement(RateLimitService, {
        shouldRateLimit: () => {
          asked += 1;
          return hangs ? new Promise(() => {}) : Promise.resolve({ overallCode: 1 });
        },
      }),
    );
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: server.port });
    const slow = await startEdge({ upstreams: { rateLimit: at(proxy.port) } });
    const token = await slow.authorized();
    const timed = async () => {
      const begin = performance.now();
      expect((await grpcCall(slow.grpc, SEND_MESSAGE, undefined, token)).code).toBe(0);
      return performance.now() - begin;
    };
    await timed();
    for (let i = 0; i < 8; i++) expect(await timed()).toBeLessThan(500);
    const before = asked;
    expect(before).toBeLessThanOrEqual(8);
    for (let i = 0; i < 20; i++) await timed();
    expect(asked).toBe(before);
    hangs = false;
    await until('the service is asked again', async () => {
      await timed();
      return asked > before;
    });
    await slow.stop();
    await proxy.stop();
    await server.stop(100);
  });
});
