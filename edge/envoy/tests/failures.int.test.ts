import { PUBLIC_SERVICES } from '@realchat/rpc';
import { startTcpProxy, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { at, type Edge, GET_PROFILE, LIST_MESSAGES, LOGIN, SEND_MESSAGE, SUBSCRIBE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { freePorts } from './free-ports.ts';
import { grpcCall, grpcStream } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';
import { type ServiceStub, startServiceStub } from './service-stub.ts';

const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;
const INSIDE = /envoy|upstream|reset|connection|127\.0\.0\.1|cluster|healthy/i;

describe('a service that is down', () => {
  let edge: Edge;
  let token: { authorization: string };
  let nobody: number;
  beforeAll(async () => {
    [nobody = 0] = await freePorts(1);
    edge = await startEdge({ upstreams: { profile: at(nobody), gatewayH2c: at(nobody), gateway: at(nobody) } });
    token = await edge.authorized();
  });
  afterAll(() => edge.stop());

  test('answers UNAVAILABLE with RetryInfo in each protocol, and tells nothing of the inside (S-63)', async () => {
    const expected = { code: UNAVAILABLE, domain: 'realchat.dev', reason: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 };
    const native = await grpcCall(edge.grpc, GET_PROFILE, undefined, token);
    expect([native.code, readErrorFacts(native.details)]).toEqual([UNAVAILABLE, expected]);
    expect(native.message).not.toMatch(INSIDE);

    const web = await grpcWebCall(edge.target, GET_PROFILE, undefined, { ...token, origin: edge.envoy.tls.origin });
    expect([web.status, readErrorFacts(web.details)]).toEqual([UNAVAILABLE, expected]);
    expect(web.answer.headers['access-control-allow-origin']).toBe(edge.envoy.tls.origin);
    expect(JSON.stringify(web.answer.headers)).not.toMatch(INSIDE);

    const json = { ':path': GET_PROFILE, 'content-type': 'application/json', ...token };
    const connect = await http2Request(edge.target, json, '{}');
    expect([connect.status, connect.headers['retry-after']]).toEqual([503, '1']);
    expect(readConnectError(connect.body)).toMatchObject({ code: 'unavailable', reason: 'SERVICE_UNAVAILABLE' });
    expect(connect.body.toString()).not.toMatch(INSIDE);

    const page = await http2Request(edge.target, { ':path': '/' });
    expect([page.status, page.body.toString()]).toEqual([503, expect.not.stringMatching(INSIDE)]);
  });

  test('is found again within seconds when it comes back', async () => {
    const back = await startServiceStub(PUBLIC_SERVICES, nobody);
    await until(
      'calls pass again',
      async () => (await grpcCall(edge.grpc, GET_PROFILE, undefined, token)).code === 0,
      5_000,
    );
    back.kill();
  });
});

describe('services in twos', () => {
  let edge: Edge;
  let two: ServiceStub[];
  let token: { authorization: string };
  beforeEach(async () => {
    two = await Promise.all([startServiceStub(PUBLIC_SERVICES), startServiceStub(PUBLIC_SERVICES)]);
    edge = await startEdge({ upstreams: { messaging: at(...two.map((stub) => stub.port)) } });
    await until('both are healthy', async () => (await healthyOnes(edge)) === 2);
    token = await edge.authorized();
  });
  afterEach(async () => {
    await edge.stop();
    for (const stub of two) stub.kill();
  });

  test('share the calls', async () => {
    for (let i = 0; i < 40; i++) await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token);
    for (const { seen } of two) expect(seen.length).toBeGreaterThan(5);
  });

  test('the other takes over at once when one dies; calls that had not begun do not fail', async () => {
    await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token);
    two[0]?.kill();
    const codes = [];
    for (let i = 0; i < 60; i++) codes.push((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token)).code);
    expect(codes.filter((code) => code !== 0)).toEqual([]);
  });

  test('one that says it stops serving gets no new call soon after', async () => {
    two[0]?.stopServing();
    await until('it is left', async () => (await healthyOnes(edge)) === 1);
    const before = two[0]?.seen.length;
    for (let i = 0; i < 10; i++) expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token)).code).toBe(0);
    expect(two[0]?.seen.length).toBe(before);
  });

  test('one that hangs is left within seconds, though it still accepts connections', async () => {
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: two[0]?.port ?? 0 });
    const hanging = await startEdge({ upstreams: { messaging: at(proxy.port, two[1]?.port ?? 0) } });
    onTestFinished(async () => {
      await hanging.stop();
      await proxy.stop();
    });
    const call = async () => (await grpcCall(hanging.grpc, SEND_MESSAGE, undefined, await hanging.authorized())).code;
    await until('both are healthy', async () => (await healthyOnes(hanging)) === 2);
    for (let i = 0; i < 10; i++) expect(await call()).toBe(0);
    proxy.freeze();
    await until('it is left', async () => (await healthyOnes(hanging)) === 1);
    for (let i = 0; i < 10; i++) expect(await call()).toBe(0);
  });

  test('errors that the application answers do not make Envoy leave it', async () => {
    for (const stub of two) {
      stub.on('SendMessage', () => Promise.reject(Object.assign(new Error('busy'), { code: UNAVAILABLE })));
      stub.on('ListMessages', () => Promise.reject(Object.assign(new Error('fault'), { code: 13 })));
    }
    for (let i = 0; i < 20; i++) {
      await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token);
      await grpcCall(edge.grpc, LIST_MESSAGES, undefined, token);
    }
    expect(await edge.envoy.ask('/clusters')).not.toMatch(/messaging::.*failed_outlier_check/);
    expect((await grpcCall(edge.grpc, SEND_MESSAGE, undefined, token)).message).toBe('busy');
  });
});

describe('time', () => {
  let edge: Edge;
  let token: { authorization: string };
  beforeAll(async () => {
    edge = await startEdge({ limits: { unaryTimeoutMs: 1_000, maxUnaryTimeoutMs: 3_000 } });
    token = await edge.authorized();
    edge.service.on('SendMessage', () => new Promise(() => {}));
    edge.service.on('Login', () => new Promise(() => {}));
  });
  afterAll(() => edge.stop());

  const took = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const start = performance.now();
    return [await work, performance.now() - start];
  };

  test('a unary call without a deadline ends by ours, as DEADLINE_EXCEEDED in each protocol', async () => {
    const [native, ms] = await took(grpcCall(edge.grpc, SEND_MESSAGE, undefined, token, {}));
    expect(native.code).toBe(DEADLINE_EXCEEDED);
    expect(ms).toBeGreaterThan(900);
    expect((await grpcWebCall(edge.target, LOGIN)).status).toBe(DEADLINE_EXCEEDED);
  });

  test('S-40: a client may ask for more time up to the cap, and for less', async () => {
    const call = (timeout: string) =>
      took(grpcWebCall(edge.target, SEND_MESSAGE, undefined, { ...token, 'grpc-timeout': timeout }));
    const asked = [
      ['100m', 0, 1_000],
      ['0m', 0, 1_000],
      ['2S', 1_900, 3_000],
      ['99999999H', 2_900, 10_000],
    ] as const;
    await Promise.all(
      asked.map(async ([timeout, atLeast, atMost]) => {
        const [{ status }, ms] = await call(timeout);
        expect([timeout, status, ms > atLeast && ms < atMost]).toEqual([timeout, DEADLINE_EXCEEDED, true]);
      }),
    );
  });

  test('S-40: a grpc-timeout that is none is an error, not for ever', async () => {
    const garbage = ['garbage', '-1S', '1', '999999999999999999999H'];
    await Promise.all(
      garbage.map(async (timeout) => {
        const headers = { ...token, 'grpc-timeout': timeout };
        const { status } = await grpcWebCall(edge.target, SEND_MESSAGE, undefined, headers);
        expect([timeout, status]).not.toEqual([timeout, 0]);
      }),
    );
  });

  test('the gateway has to answer within the cap too', async () => {
    edge.gateway.answers = false;
    const json = { ':path': SEND_MESSAGE, 'content-type': 'application/json', ...token };
    const answer = await http2Request(edge.target, json, '{}');
    edge.gateway.answers = true;
    expect([answer.status, readConnectError(answer.body).code]).toEqual([504, 'deadline_exceeded']);
  });

  test('a stream outlives every bound of unary calls, by gRPC and by gRPC-Web', async () => {
    edge.service.on('Subscribe', async (call) => {
      call.write(Buffer.from([0x7a, 0x00]));
      await new Promise((resolve) => setTimeout(resolve, 3_600));
      call.write(Buffer.from([0x7a, 0x00]));
      return Buffer.alloc(0);
    });
    const stream = grpcStream(edge.grpc, SUBSCRIBE, token);
    let received = 0;
    stream.on('data', () => received++);
    const ended = new Promise((resolve, reject) => {
      stream.on('end', resolve);
      stream.on('error', reject);
    });
    const web = await grpcWebCall(edge.target, SUBSCRIBE, undefined, token);
    await ended;
    expect([received, web.messages.length, web.status]).toEqual([2, 2, 0]);
  });

  test('S-40: a stream ends by the deadline that its client set', async () => {
    edge.service.on('Subscribe', () => new Promise(() => {}));
    const [{ status }, ms] = await took(
      grpcWebCall(edge.target, SUBSCRIBE, undefined, { ...token, 'grpc-timeout': '300m' }),
    );
    expect([status, ms < 1_000]).toEqual([DEADLINE_EXCEEDED, true]);
  });

  test('a stream that a service ends keeps its status, and the log knows it', async () => {
    edge.service.on('Subscribe', async (call) => {
      call.write(Buffer.from([0x7a, 0x00]));
      throw Object.assign(new Error('draining'), { code: UNAVAILABLE, details: 'draining' });
    });
    const web = await grpcWebCall(edge.target, SUBSCRIBE, undefined, token);
    expect([web.status, web.message]).toEqual([UNAVAILABLE, 'draining']);
    const { line } = await edge.envoy.accessLog(web.answer.headers, 'call failed after its first message');
    expect(line).toMatchObject({ path: SUBSCRIBE, grpc_status: '14' });
  });
});

/** How many instances of messaging Envoy would send a call to. */
async function healthyOnes(edge: Edge): Promise<number> {
  return (await edge.envoy.ask('/clusters')).match(/^messaging::.*::health_flags::healthy$/gm)?.length ?? 0;
}
