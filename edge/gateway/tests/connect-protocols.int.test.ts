import { connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { Health } from '@realchat/gen/grpc/health/v1/health';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EchoSchema, EchoService } from './echo-service.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway();
});
afterAll(() => mesh.stop());

const transports: [string, () => Transport][] = [
  [
    'Connect over HTTP/1.1',
    () => createConnectTransport({ baseUrl: mesh.http, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  ['Connect over HTTP/2', () => createConnectTransport({ baseUrl: mesh.h2c, httpVersion: '2', useBinaryFormat: true })],
  [
    'Connect JSON over HTTP/2',
    () => createConnectTransport({ baseUrl: mesh.h2c, httpVersion: '2', useBinaryFormat: false }),
  ],
  ['gRPC-Web over HTTP/1.1', () => createGrpcWebTransport({ baseUrl: mesh.http, httpVersion: '1.1' })],
  ['gRPC-Web over HTTP/2', () => createGrpcWebTransport({ baseUrl: mesh.h2c, httpVersion: '2' })],
  ['gRPC over HTTP/2', () => createGrpcTransport({ baseUrl: mesh.h2c })],
];

const options = () => ({ headers: { authorization: `Bearer ${mesh.token}` } });

const failure = async (promise: Promise<unknown>): Promise<ConnectError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return ConnectError.from(error ?? expect.fail('should have failed'));
};

describe.each(transports)('%s', (name, transport) => {
  test('carries unary calls and streams', async () => {
    const echo = createClient(EchoService, transport());
    const trailers: (string | null)[] = [];
    const onTrailer = (trailer: Headers) => void trailers.push(trailer.get('x-trailer'));
    expect((await echo.unary({ text: 'hello' }, { ...options(), onTrailer })).text).toBe('hello');
    const counts: number[] = [];
    for await (const { count } of echo.serverStream({ count: 50 }, { ...options(), onTrailer })) counts.push(count);
    expect([counts.length, trailers]).toEqual([50, ['of the backend', 'of the backend']]);
    async function* three() {
      for (const text of ['a', 'b', 'c']) yield { text };
    }
    if (name.includes('HTTP/1.1')) return;
    expect((await echo.clientStream(three(), options())).count).toBe(3);
    const texts: string[] = [];
    for await (const { text } of echo.bidi(three(), options())) texts.push(text);
    expect(texts).toEqual(['a', 'b', 'c']);
  });

  test('carries errors with their details, deadlines and refusals', async () => {
    const echo = createClient(EchoService, transport());
    const failed = await failure(echo.unary({ text: 'fail' }, options()));
    expect([failed.code, failed.rawMessage]).toEqual([Code.FailedPrecondition, 'as you wished: ü']);
    expect(failed.findDetails(ErrorInfoSchema)[0]?.reason).toBe('TEST_FAILED');
    const late = await failure(echo.unary({ text: 'hang' }, { ...options(), timeoutMs: 100 }));
    expect(late.code).toBe(Code.DeadlineExceeded);
    expect((await failure(echo.unary({}))).findDetails(ErrorInfoSchema)[0]?.reason).toBe('TOKEN_MISSING');
    const midway = await failure(
      (async () => {
        for await (const _ of echo.serverStream({ text: 'fail' }, options()));
      })(),
    );
    expect([midway.code, midway.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([
      Code.FailedPrecondition,
      'TEST_FAILED',
    ]);
  });

  test('tells the health of the gateway', async () => {
    const health = createClient(Health, transport());
    expect((await health.check({})).status).toBe(1);
    expect((await failure(health.check({ service: 'other' }))).code).toBe(Code.NotFound);
    const controller = new AbortController();
    const watched: number[] = [];
    const watching = failure(
      (async () => {
        for await (const { status } of health.watch({}, { signal: controller.signal })) {
          watched.push(status);
          controller.abort();
        }
      })(),
    );
    expect([(await watching).code, watched]).toEqual([Code.Canceled, [1]]);
  });
});

test('reflection describes the public contract over gRPC', async () => {
  const reflection = createClient(ServerReflection, createGrpcTransport({ baseUrl: mesh.h2c }));
  async function* list() {
    yield { messageRequest: { case: 'listServices' as const, value: '' } };
  }
  for await (const { messageResponse } of reflection.serverReflectionInfo(list())) {
    expect(messageResponse.case).toBe('listServicesResponse');
  }
});

test('a stream that its client does not read stops its backend', async () => {
  const count = mesh.echo.calls.length;
  const message = toBinary(EchoSchema, create(EchoSchema, { text: 'flood', data: new Uint8Array(10_000) }));
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  const session = connect(mesh.h2c);
  const request = session.request({
    ':method': 'POST',
    ':path': '/realchat.test.v1.EchoService/ServerStream',
    'content-type': 'application/connect+proto',
    authorization: `Bearer ${mesh.token}`,
  });
  request.end(envelope);
  const seen = await until('the call arrives', () => mesh.echo.calls[count]);
  let last = -1;
  const stands = () => {
    const still = seen.written === last;
    last = seen.written;
    return still;
  };
  await expect.poll(stands, { interval: 300, timeout: 10_000 }).toBe(true);
  expect(seen.written * 10_000).toBeLessThan(4 * 1024 * 1024);
  request.close();
  await expect.poll(() => seen.cancelled).toBe(true);
  session.destroy();
});
