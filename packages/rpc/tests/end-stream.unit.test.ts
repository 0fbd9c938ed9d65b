import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { toBinary } from '@bufbuild/protobuf';
import { Code } from '@realchat/gen/google/rpc/code';
import { DeliveryService, SubscribeRequestSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { createTelemetry } from '@realchat/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { implement } from '../implement.ts';
import { RpcError } from '../rpc-error.ts';
import { createGrpcServer, type GrpcServer } from '../server.ts';

let server: GrpcServer;
let session: ClientHttp2Session;

beforeAll(async () => {
  const { log, metrics } = createTelemetry({ service: 'test', instance: '1', level: 'error' });
  server = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: undefined,
    implementations: [
      implement(DeliveryService, {
        acknowledgeCursor: async () => ({}),
        setTyping: async () => ({}),
        getPresence: async () => ({}),
        watchPresence: async () => {},
        subscribe: async (_call, _request, stream) => {
          // More than a peer that reads nothing has room for.
          for (let i = 0; i < 10; i++) stream.write({ traceparent: 'x'.repeat(50_000) });
          throw new RpcError(Code.RESOURCE_EXHAUSTED, 'SLOW_CONSUMER', 'too slow');
        },
      }),
    ],
    log,
    metrics,
  });
  await server.start();
  session = connect(`http://127.0.0.1:${server.port}`);
});

afterAll(async () => {
  session.destroy();
  await server.stop(1_000);
});

function subscribe() {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/realchat.delivery.v1.DeliveryService/Subscribe',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  });
  const request = toBinary(SubscribeRequestSchema, {
    $typeName: 'realchat.delivery.v1.SubscribeRequest',
    cursor: new Uint8Array(),
  });
  stream.end(Buffer.concat([Buffer.alloc(5), request]));
  return stream;
}

test('a peer that reads gets the status behind all that was written', async () => {
  const stream = subscribe();
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
  expect(trailers['grpc-status']).toBe(String(Code.RESOURCE_EXHAUSTED));
  expect(bytes).toBeGreaterThan(500_000);
});

test('a peer that reads nothing does not keep its stream: it is reset after 5 seconds', async () => {
  const stream = subscribe();
  stream.on('error', () => {});
  const startedAt = performance.now();
  await new Promise((resolve) => stream.once('close', resolve));
  expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(performance.now() - startedAt).toBeGreaterThan(4_000);
});
