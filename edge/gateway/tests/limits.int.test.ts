import { randomUUID } from 'node:crypto';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import type { Status } from '@realchat/gen/google/rpc/status';
import { SearchProfilesRequestSchema } from '@realchat/gen/realchat/profile/v1/profile_service';
import { redisUrl, startProxyFor, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RawClient, rawClient, refusedWith, unaryCall } from './raw-client.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

const SEARCH = '/realchat.profile.v1.ProfileService/SearchProfiles';
const QUERY = { query: 'a' };
const RESOURCE_EXHAUSTED = 8;
/** What is decided is tested here, and not how fast Redis answers on a machine that has other things to do. */
const PATIENT = { limitsTimeoutMs: 5_000 };
const RATE_LIMITS = JSON.stringify({
  search_profiles: { count: 1, seconds: 60, burst: 5 },
  socket_messages: { count: 1, seconds: 60, burst: 40 },
  socket_bytes: { count: 1_000, seconds: 1, burst: 300_000 },
});

let gateway: StartedGateway;
beforeAll(async () => {
  gateway = await startGateway({
    ...PATIENT,
    env: { RATE_LIMITS, MAX_SOCKETS_PER_USER: '3', MAX_SOCKETS_PER_ADDRESS: '6', TRUSTED_HOPS: '1' },
  });
});
afterAll(() => gateway.stop());

let addresses = 0;
const from = (address = `192.0.2.${++addresses}`) => ({ headers: { 'x-forwarded-for': address } });

async function socketOf(user: string, to = gateway, address?: string): Promise<RawClient> {
  const client = await rawClient(to.webSocketUrl, from(address));
  await client.hello(await to.issuer.sign({ sub: user }));
  return client;
}

async function search(client: RawClient, call: number): Promise<Status> {
  client.send(
    ...unaryCall(
      call,
      SEARCH,
      toBinary(SearchProfilesRequestSchema, {
        $typeName: 'realchat.profile.v1.SearchProfilesRequest',
        pageSize: 0,
        pageToken: '',
        ...QUERY,
      }),
    ),
  );
  const { status } = await client.heard('end', call);
  return status ?? ({ code: 0, details: [] } as unknown as Status);
}

async function searchByJson(user: string) {
  const response = await fetch(`${gateway.http}${SEARCH}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await gateway.issuer.sign({ sub: user })}`,
      ...from().headers,
    },
    body: JSON.stringify(QUERY),
  });
  return { response, body: (await response.json()) as { code?: string; details?: { type: string; value: string }[] } };
}

function factsOf(status: Status) {
  const info = status.details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find(Boolean);
  const retry = status.details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find(Boolean);
  return { code: status.code, reason: info?.reason, domain: info?.domain, seconds: Number(retry?.retryDelay?.seconds) };
}

describe('calls', () => {
  test('over a limit are refused on a socket with the true time to come back; the socket and its other calls go on', async () => {
    const client = await socketOf(randomUUID());
    for (let i = 0; i < 5; i++) expect((await search(client, 2 * i + 1)).code).toBe(0);
    const facts = factsOf(await search(client, 21));
    expect(facts).toMatchObject({ code: RESOURCE_EXHAUSTED, reason: 'RATE_LIMITED', domain: 'realchat.dev' });
    expect(facts.seconds).toBeGreaterThanOrEqual(40);
    expect(facts.seconds).toBeLessThanOrEqual(60);
    client.send(...unaryCall(23, '/realchat.profile.v1.ProfileService/BatchGetProfiles'));
    expect((await client.heard('end', 23)).status?.code ?? 0).not.toBe(RESOURCE_EXHAUSTED);
    client.socket.terminate();
  });

  test('over a limit are refused in Connect JSON, with retry-after and the details', async () => {
    const user = randomUUID();
    for (let i = 0; i < 5; i++) expect((await searchByJson(user)).response.status).toBe(200);
    const { response, body } = await searchByJson(user);
    expect([response.status, body.code]).toEqual([429, 'resource_exhausted']);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(40);
    const bytes = (type: string) =>
      Buffer.from(body.details?.find((detail) => detail.type === type)?.value ?? '', 'base64');
    expect(fromBinary(ErrorInfoSchema, bytes('google.rpc.ErrorInfo'))).toMatchObject({
      reason: 'RATE_LIMITED',
      domain: 'realchat.dev',
      metadata: { limit: 'search_profiles' },
    });
    const delay = fromBinary(RetryInfoSchema, bytes('google.rpc.RetryInfo')).retryDelay;
    expect(Number(delay?.seconds)).toBeGreaterThanOrEqual(40);
  });

  test('S-57: are counted together over transports, sockets and gateways', async () => {
    const user = randomUUID();
    const other = await startGateway({ ...PATIENT, env: { RATE_LIMITS, TRUSTED_HOPS: '1' } });
    const clients = [await socketOf(user), await socketOf(user), await socketOf(user, other)];
    const answers = clients.flatMap((client) => [1, 3, 5, 7, 9].map((call) => search(client, call)));
    const byJson = [searchByJson(user), searchByJson(user)];
    const codes = (await Promise.all(answers)).map(({ code }) => code);
    const statuses = (await Promise.all(byJson)).map(({ response }) => response.status);
    const passed = codes.filter((code) => code === 0).length + statuses.filter((status) => status === 200).length;
    expect(Math.abs(passed - 5)).toBeLessThanOrEqual(1);
    for (const client of clients) client.socket.terminate();
    await other.stop();
  });

  test('S-58: are limited by the gateway itself while Redis is away, and nobody waits for it', async () => {
    const { proxy, address } = await startProxyFor(redisUrl());
    const alone = await startGateway({ env: { RATE_LIMITS, TRUSTED_HOPS: '1', REDIS_URL: address } });
    proxy.cut();
    const metrics = async () => await (await fetch(`${alone.ops}/metrics`)).text();
    await until('the metric says so', async () => /^realchat_rate_limit_fallback\{[^}]*\} 1$/m.test(await metrics()));
    const client = await socketOf(randomUUID(), alone);
    const begin = performance.now();
    const codes: number[] = [];
    for (let i = 0; i < 15; i++) codes.push((await search(client, 2 * i + 1)).code);
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(codes.filter((code) => code === 0)).toHaveLength(5);
    const refusals = (await metrics())
      .split('\n')
      .filter((line) => /^realchat_rate_limit_decisions.*refused/.test(line));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/limit="search_profiles".*source="process".* 10$/);
    client.socket.terminate();
    await alone.stop();
    await proxy.stop();
  });
});

describe('sockets', () => {
  test('S-59: of a user beyond the most are closed with 1008, the newest; those that are open stay', async () => {
    const user = randomUUID();
    const open = await Promise.all([1, 2, 3].map(() => socketOf(user)));
    const fourth = await rawClient(gateway.webSocketUrl, from());
    fourth.send({ kind: { case: 'hello', value: { accessToken: await gateway.issuer.sign({ sub: user }) } } });
    expect(await fourth.closed).toEqual({ code: 1008, reason: 'TOO_MANY_SOCKETS' });
    for (const client of open) expect(client.socket.readyState).toBe(client.socket.OPEN);
    open[0]?.socket.terminate();
    await until('there is room again', async () => {
      const client = await rawClient(gateway.webSocketUrl, from());
      client.send({ kind: { case: 'hello', value: { accessToken: await gateway.issuer.sign({ sub: user }) } } });
      const outcome = await Promise.race([client.heard('welcome').then(() => true), client.closed.then(() => false)]);
      client.socket.terminate();
      return outcome;
    });
    for (const client of open) client.socket.terminate();
  });

  test('S-59: a session without a token cannot become one too many by a refresh', async () => {
    const user = randomUUID();
    const open = await Promise.all([1, 2, 3].map(() => socketOf(user)));
    const anonymous = await rawClient(gateway.webSocketUrl, from());
    await anonymous.hello('');
    anonymous.send({ kind: { case: 'refresh', value: { accessToken: await gateway.issuer.sign({ sub: user }) } } });
    expect(await anonymous.closed).toEqual({ code: 1008, reason: 'TOO_MANY_SOCKETS' });
    for (const client of open) client.socket.terminate();
  });

  test('S-59: of an address beyond the most are refused with 429; a /64 is one address', async () => {
    const open = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((host) => rawClient(gateway.webSocketUrl, from(`2001:db8:1:1:${host}::1`))),
    );
    expect(await refusedWith(gateway.webSocketUrl, from('2001:db8:1:1:7::1'))).toBe(429);
    const forged = { headers: { 'x-forwarded-for': '198.51.100.1, 2001:db8:1:1:8::1', 'x-real-ip': '198.51.100.2' } };
    expect(await refusedWith(gateway.webSocketUrl, forged)).toBe(429);
    expect(await refusedWith(gateway.webSocketUrl, from('2001:db8:1:2::1'))).toBe(101);
    for (const client of open) client.socket.terminate();
    await until(
      'there is room again',
      async () => (await refusedWith(gateway.webSocketUrl, from('2001:db8:1:1:9::1'))) === 101,
    );
  });

  test('S-59: that send more messages than any client needs are closed with 1008', async () => {
    const client = await socketOf(randomUUID());
    for (let i = 0; i < 60; i++) client.send({ kind: { case: 'pong', value: {} } });
    expect(await client.closed).toEqual({ code: 1008, reason: 'RATE_LIMITED' });
  });

  test('S-59: that send more bytes than any client needs are closed with 1008', async () => {
    const client = await socketOf(randomUUID());
    const message = new Uint8Array(16 * 1024);
    for (let call = 1; call < 50; call += 2) client.send(...unaryCall(call, SEARCH, message));
    expect(await client.closed).toEqual({ code: 1008, reason: 'RATE_LIMITED' });
  });
});
