import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import { DeliveryService, SubscribeResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { MessageService, SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import { createTelemetry } from '@realchat/telemetry';
import { AUDIENCE, ISSUER, startIssuer, type TestIssuer } from '@realchat/testkit/token-issuer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Call } from '../call.ts';
import { createGrpcClient } from '../client.ts';
import { Encoded, implement } from '../implement.ts';
import { createKeyCache } from '../key-cache.ts';
import { RpcError, unavailable } from '../rpc-error.ts';
import { createGrpcServer, type GrpcServer } from '../server.ts';
import { createTokenVerifier } from '../token-verifier.ts';

const CONVERSATION = '01a21333-16e5-77df-bc02-38efe1586f38';
const SEND = '/realchat.messaging.v1.MessageService/SendMessage';
let issuer: TestIssuer;
let keys: ReturnType<typeof createKeyCache>;
let server: GrpcServer;
let channel: grpc.Client;
let token: string;
let behave: (call: Call) => Promise<void>;
let seen: Call | undefined;

beforeAll(async () => {
  issuer = await startIssuer();
  const { log, metrics } = createTelemetry({ service: 'test', instance: '1', level: 'error' });
  keys = createKeyCache({ urls: [issuer.url], log });
  await keys.start();
  log.level = 'silent';
  server = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: undefined,
    tokens: createTokenVerifier({ keys, issuer: ISSUER, audience: AUDIENCE }),
    implementations: [
      implement(MessageService, {
        sendMessage: async (call, request) => {
          seen = call;
          await behave(call);
          return { message: { conversationId: request.conversationId, senderId: call.caller.userId } };
        },
        listMessages: async () => ({}),
        getMessage: async () => ({}),
        markRead: async () => ({}),
        markDelivered: async () => ({}),
      }),
      implement(DeliveryService, {
        acknowledgeCursor: async () => ({}),
        setTyping: async () => ({}),
        getPresence: async () => ({}),
        watchPresence: async () => {},
        subscribe: async (call, _request, stream) => {
          seen = call;
          stream.write({ frame: { case: 'heartbeat', value: {} } });
          const bytes = toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { traceparent: 'encoded' }));
          stream.write(new Encoded(bytes));
          await behave(call);
        },
      }),
    ],
    classify: (error) => (error instanceof RangeError ? unavailable('the store is away') : undefined),
    reflect: [MessageService],
    log,
    metrics,
  });
  await server.start();
  channel = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  token = await issuer.sign();
});

beforeEach(() => {
  behave = async () => {};
});

afterAll(async () => {
  channel.close();
  await server.stop(1_000);
  keys.stop();
  await issuer.stop();
});

test('a valid call reaches its handler with caller and trace, and is answered', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const response = await send(valid(), { traceparent });
  expect(response.message).toMatchObject({ conversationId: CONVERSATION, senderId: 'user-1' });
  expect(seen?.trace.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(seen?.trace.spanId).not.toBe('b7ad6b7169203331');
});

test('S-01: a call without a token is UNAUTHENTICATED with a reason, before its request is even read', async () => {
  const refusal = await refusalOf(Buffer.from('garbage'), { authorization: '' });
  expect(refusal).toMatchObject({ code: Code.UNAUTHENTICATED, reason: 'TOKEN_MISSING', domain: 'realchat.dev' });
});

test('a request that breaks the contract names every field at fault', async () => {
  const refusal = await refusalOf(encode({ conversationId: 'no uuid', clientMessageId: 'with space' }));
  expect(refusal).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: 'INVALID_REQUEST' });
  expect(refusal.fields.toSorted()).toEqual(['client_message_id', 'content', 'conversation_id']);
});

test('S-38: bytes that are no message of the contract are INVALID_ARGUMENT and say nothing of the decoder', async () => {
  const refusal = await refusalOf(Buffer.from([0x0a, 0xff, 0x01, 0x02]));
  expect(refusal).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: 'MALFORMED_MESSAGE' });
});

test('S-63: an unexpected error is INTERNAL with an id and nothing of its own text', async () => {
  behave = async () => {
    throw new Error('relation "secret_table" does not exist at 10.0.0.7');
  };
  const refusal = await refusalOf(valid());
  expect(refusal).toMatchObject({ code: Code.INTERNAL, reason: 'INTERNAL' });
  expect(refusal.message).not.toMatch(/secret_table|10\.0\.0\.7/);
  expect(refusal.message).toContain(seen?.trace.traceId);
});

test('a dependency that is away is UNAVAILABLE with the time to come back', async () => {
  behave = async () => {
    throw new RangeError('connection refused');
  };
  const refusal = await refusalOf(valid());
  expect(refusal).toMatchObject({ code: Code.UNAVAILABLE, reason: 'DEPENDENCY_UNAVAILABLE', retryMs: 1_000 });
});

test('a refusal of the handler travels with code, reason and metadata', async () => {
  behave = async () => {
    throw new RpcError(Code.NOT_FOUND, 'THING_NOT_FOUND', 'no such thing', { metadata: { thing: '7' } });
  };
  expect(await refusalOf(valid())).toMatchObject({
    code: Code.NOT_FOUND,
    reason: 'THING_NOT_FOUND',
    metadata: { thing: '7' },
  });
});

test('S-35: a message over the limit is RESOURCE_EXHAUSTED and the server lives', async () => {
  const huge = Buffer.alloc(5 * 1024 * 1024);
  expect((await callRaw(SEND, huge).catch((error: grpc.ServiceError) => error)) as grpc.ServiceError).toMatchObject({
    code: grpc.status.RESOURCE_EXHAUSTED,
  });
  await send(valid());
});

test('a stream carries messages and encoded bytes alike, and the handler learns that the caller has gone', async () => {
  let gone = false;
  behave = (call) =>
    new Promise((resolve) => {
      call.signal.addEventListener('abort', () => {
        gone = true;
        resolve();
      });
    });
  const call = channel.makeServerStreamRequest(
    '/realchat.delivery.v1.DeliveryService/Subscribe',
    (bytes: Buffer) => bytes,
    (bytes) => fromBinary(SubscribeResponseSchema, bytes),
    Buffer.alloc(0),
    metadata(),
  );
  const received: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    call.on('error', (error: grpc.ServiceError) => (error.code === grpc.status.CANCELLED ? undefined : reject(error)));
    call.on('data', (message: { frame: { case?: string }; traceparent: string }) => {
      received.push(message.frame.case ?? message.traceparent);
      if (received.length === 2) resolve();
    });
  });
  call.cancel();
  await expect.poll(() => gone).toBe(true);
  expect(received).toEqual(['heartbeat', 'encoded']);
});

test('the typed client calls with a deadline and rejects when it passes', async () => {
  const address = { host: '127.0.0.1', port: server.port };
  const client = createGrpcClient(MessageService, [address], { identity: undefined, deadlineMs: 200 });
  await expect(client.listMessages({ conversationId: CONVERSATION })).rejects.toMatchObject({
    code: grpc.status.UNAUTHENTICATED,
  });
  client.close();
});

test('one that retires says NOT_SERVING and goes on serving until balancers have seen it, then takes no more calls', async () => {
  const health = () => callRaw('/grpc.health.v1.Health/Check', Buffer.alloc(0));
  expect([...(await health())]).toEqual([0x08, 1]);
  behave = async () => {};
  await callRaw(SEND, valid());
  const begun = performance.now();
  const retired = server.retire();
  expect([...(await health())]).toEqual([0x08, 2]);
  await callRaw(SEND, valid());
  const held = Promise.withResolvers<void>();
  behave = () => held.promise;
  const inFlight = callRaw(SEND, valid());
  await retired;
  expect(performance.now() - begun).toBeGreaterThan(1_200);
  await expect(callRaw(SEND, valid())).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
  held.resolve();
  expect((await inFlight).length).toBeGreaterThan(0);
});

test('one that nobody calls retires at once', async () => {
  const { log, metrics } = createTelemetry({ service: 'test', instance: '1', level: 'silent' });
  const listen = { host: '127.0.0.1', port: 0 };
  const quiet = createGrpcServer({ identity: undefined, listen, implementations: [], log, metrics });
  await quiet.start();
  const begun = performance.now();
  await quiet.retire();
  await quiet.stop(5_000);
  expect(performance.now() - begun).toBeLessThan(500);
});

function encode(fields: { conversationId?: string; clientMessageId?: string; text?: string }): Buffer {
  const { text, ...rest } = fields;
  const content = text === undefined ? { case: undefined } : ({ case: 'text', value: text } as const);
  return Buffer.from(toBinary(SendMessageRequestSchema, create(SendMessageRequestSchema, { ...rest, content })));
}

function valid(): Buffer {
  return encode({ conversationId: CONVERSATION, clientMessageId: 'm-1', text: 'hello' });
}

function metadata(extra: Record<string, string> = {}): grpc.Metadata {
  const all = new grpc.Metadata();
  for (const [name, value] of Object.entries({ authorization: `Bearer ${token}`, ...extra }))
    if (value) all.set(name, value);
  return all;
}

function callRaw(path: string, request: Buffer, extra: Record<string, string> = {}): Promise<Buffer> {
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(
      path,
      same,
      same,
      request,
      metadata(extra),
      { deadline: Date.now() + 5_000 },
      (error, response) => (error ? reject(error) : resolve(response as Buffer)),
    );
  });
}

async function send(request: Buffer, extra: Record<string, string> = {}) {
  return fromBinary(MessageService.method.sendMessage.output, await callRaw(SEND, request, extra));
}

async function refusalOf(request: Buffer, extra: Record<string, string> = {}) {
  const error = (await callRaw(SEND, request, extra).then(
    () => Promise.reject(new Error('the call succeeded')),
    (caught: grpc.ServiceError) => caught,
  )) as grpc.ServiceError;
  const status = fromBinary(StatusSchema, error.metadata.get('grpc-status-details-bin')[0] as Buffer);
  const details = status.details.map((any) => ({
    info: anyUnpack(any, ErrorInfoSchema),
    fields: anyUnpack(any, BadRequestSchema)?.fieldViolations.map((violation) => violation.field),
    retry: anyUnpack(any, RetryInfoSchema)?.retryDelay,
  }));
  const info = details.find((detail) => detail.info)?.info;
  const retry = details.find((detail) => detail.retry)?.retry;
  return {
    code: error.code as number,
    message: error.details,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata,
    fields: details.flatMap((detail) => detail.fields ?? []),
    retryMs: retry && Number(retry.seconds) * 1_000 + retry.nanos / 1e6,
  };
}
