import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  SendMessageRequestSchema,
  SendMessageResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Edge, LIST_MESSAGES, LOGIN, SEND_MESSAGE, SUBSCRIBE, startEdge } from './edge.ts';
import { grpcCall, grpcStream } from './grpc-call.ts';
import { frame, grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';

const HELLO = toBinary(
  SendMessageRequestSchema,
  create(SendMessageRequestSchema, { content: { case: 'text', value: 'hello' } }),
);

describe('each protocol finds its way', () => {
  let edge: Edge;
  let token: { authorization: string };

  beforeAll(async () => {
    edge = await startEdge();
    token = await edge.authorized();
    edge.service.on('SendMessage', (call) => {
      const { content } = fromBinary(SendMessageRequestSchema, call.request);
      return Buffer.from(
        toBinary(SendMessageResponseSchema, create(SendMessageResponseSchema, { message: { seq: 7n, content } })),
      );
    });
  });
  afterAll(() => edge.stop());

  const textOf = (response: Uint8Array | undefined) =>
    fromBinary(SendMessageResponseSchema, response ?? new Uint8Array()).message?.content.value;

  test('a native gRPC call reaches the service and comes back', async () => {
    const result = await grpcCall(edge.grpc, SEND_MESSAGE, HELLO, token);
    expect(result).toMatchObject({ code: 0 });
    expect(textOf(result.response)).toBe('hello');
  });

  test('a gRPC-Web call reaches the same handler, over TLS and HTTP/2', async () => {
    const result = await grpcWebCall(edge.target, SEND_MESSAGE, HELLO, token);
    expect(result.status).toBe(0);
    expect(textOf(result.messages[0])).toBe('hello');
  });

  test('a gRPC-Web call reaches it over plain HTTP/1.1 as well, as bytes and as text', async () => {
    const post = (contentType: string, body: BodyInit) =>
      fetch(`http://127.0.0.1:${edge.envoy.plain.port}${SEND_MESSAGE}`, {
        method: 'POST',
        headers: { ...token, 'content-type': contentType, accept: contentType, origin: edge.envoy.plain.origin },
        body,
      });
    const bytes = await post('application/grpc-web+proto', new Uint8Array(frame(HELLO)));
    expect(Buffer.from(await bytes.arrayBuffer()).toString()).toContain('grpc-status:0');
    const text = await post('application/grpc-web-text', frame(HELLO).toString('base64'));
    expect(Buffer.from(await text.text(), 'base64').toString()).toContain('hello');
  });

  test('a service error keeps its code, message and details over gRPC-Web', async () => {
    edge.service.on('ListMessages', () =>
      Promise.reject(Object.assign(new Error('no such conversation'), { code: 5, details: 'no such conversation' })),
    );
    expect(await grpcWebCall(edge.target, LIST_MESSAGES, undefined, token)).toMatchObject({
      status: 5,
      message: 'no such conversation',
    });
  });

  test.each(['application/json', 'application/proto', 'application/connect+json'])(
    '%s on the same path goes to the gateway',
    async (contentType) => {
      const before = edge.service.seen.length;
      const answer = await http2Request(
        edge.target,
        { ':path': SEND_MESSAGE, 'content-type': contentType, ...token },
        '{}',
      );
      expect(answer.body.toString()).toBe('{"from":"gateway"}');
      expect(edge.gateway.seen.at(-1)?.path).toBe(SEND_MESSAGE);
      expect(edge.service.seen.length).toBe(before);
    },
  );

  test('a Connect GET goes to the gateway with its query', async () => {
    const path = `${LIST_MESSAGES}?connect=v1&encoding=json&message=%7B%7D`;
    expect((await http2Request(edge.target, { ':path': path, ...token })).status).toBe(200);
    expect(edge.gateway.seen.at(-1)?.path).toBe(path);
  });

  test('Login needs no token', async () => {
    expect((await grpcCall(edge.grpc, LOGIN)).code).toBe(0);
    expect((await grpcWebCall(edge.target, LOGIN)).status).toBe(0);
  });

  test('a WebSocket reaches the gateway without a token in the request', async () => {
    const socket = new WebSocket(`wss://localhost:${edge.envoy.tls.port}/ws`, {
      ca: edge.envoy.ca,
      origin: edge.envoy.tls.origin,
    });
    const echo = await new Promise((resolve, reject) => {
      socket.on('open', () => socket.send('ping'));
      socket.on('message', (data: Buffer) => resolve(data.toString()));
      socket.on('error', reject);
    });
    socket.terminate();
    expect(echo).toBe('ping');
  });

  test('the page, its files and the keys are served', async () => {
    for (const path of ['/', '/main.js', '/assets/logo.svg']) {
      expect((await http2Request(edge.target, { ':path': path })).headers['content-type']).toBe('text/html');
    }
    const keys = await http2Request(edge.target, { ':path': '/.well-known/jwks.json' });
    expect(JSON.parse(keys.body.toString()).keys).toHaveLength(1);
    expect((await http2Request(edge.target, { ':path': '/healthz' })).status).toBe(200);
  });

  test('the health of the mesh can be asked by gRPC', async () => {
    const answer = await grpcCall(edge.grpc, '/grpc.health.v1.Health/Check');
    expect([answer.code, answer.response?.toString('hex')]).toEqual([0, '0801']);
  });

  test('a message of a stream arrives when it is sent, by gRPC and by gRPC-Web', async () => {
    let go = () => {};
    edge.service.on('Subscribe', async (call) => {
      call.write(Buffer.from([0x7a, 0x00]));
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return Buffer.alloc(0);
    });
    const stream = grpcStream(edge.grpc, SUBSCRIBE, token);
    await new Promise((resolve) => stream.once('data', resolve));
    go();
    await new Promise((resolve) => stream.once('end', resolve));

    const web = grpcWebCall(edge.target, SUBSCRIBE, undefined, token);
    await expect.poll(() => edge.service.seen.filter((call) => call.path === SUBSCRIBE).length).toBe(2);
    go();
    expect((await web).messages).toHaveLength(1);
  });

  test('Envoy counts the calls of a method, whatever carried them', async () => {
    const counter = `cluster.messaging.grpc.${SEND_MESSAGE.slice(1).replace('/', '.')}.success`;
    const count = async () =>
      Number(/: (\d+)/.exec(await edge.envoy.ask(`/stats?filter=^${counter.replaceAll('.', '\\.')}$`))?.[1]);
    const before = await count();
    await grpcCall(edge.grpc, SEND_MESSAGE, HELLO, token);
    await grpcWebCall(edge.target, SEND_MESSAGE, HELLO, token);
    await expect.poll(count).toBe(before + 2);
  });
});
