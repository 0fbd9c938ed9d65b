import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  toBinary,
} from '@bufbuild/protobuf';
import { createClient as createConnectClient } from '@connectrpc/connect';
import { createWebSocketTransport } from '@realchat/client';
import { createClient } from '@realchat/db';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { MessageService, SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import { isOpen, PUBLIC_SERVICES } from '@realchat/rpc';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket as NodeWebSocket } from 'ws';
import { CallFailure } from './clients/caller.ts';
import { createConnectJsonCaller, createGrpcWebCaller, createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';

const SEND = '/realchat.messaging.v1.MessageService/SendMessage';
const TRANSPORTS = ['grpc-js', 'grpc-web', 'connect-json', 'websocket'] as const;
type TransportName = (typeof TRANSPORTS)[number];
/** Connect with JSON over `fetch` is for calls with one answer. */
const WITH_STREAMS = TRANSPORTS.filter((name) => name !== 'connect-json');
const METHODS = PUBLIC_SERVICES.flatMap((service) => service.methods);

const mesh = useMesh();
let store: MessageStore;
const users = new Map<TransportName, User>();
const conversations = new Map<TransportName, string>();

const userOf = (name: TransportName): User => users.get(name) as User;
const conversationOf = (name: TransportName): string => conversations.get(name) as string;

function connect(name: TransportName): User {
  const { tls, tlsAddress, webSocketUrl: url, certificateAuthority } = mesh();
  if (name === 'grpc-js') return new User(createGrpcCaller(tlsAddress, certificateAuthority));
  if (name === 'grpc-web') return new User(createGrpcWebCaller(tls));
  if (name === 'connect-json') return new User(createConnectJsonCaller(tls));
  return new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
}

beforeAll(async () => {
  store = await openMessageStore(mesh());
  for (const name of TRANSPORTS) {
    const user = connect(name);
    users.set(name, user);
    await user.register(newUsername(), newPassword());
    conversations.set(name, await user.createConversation({ title: name, members: [] }));
  }
});

afterAll(async () => {
  await Promise.all([...users.values()].map((user) => user.close()));
  await store?.close();
});

/** A stream that has neither sent nor failed by then was taken, and has nothing to say. */
const SILENT_MS = 3_000;

/** What a call with an empty request comes to: `OK`, or its code and reason. */
async function outcomeOf(name: TransportName, method: DescMethod): Promise<string> {
  const { caller, accessToken } = userOf(name);
  const options = isOpen(method) ? {} : { token: accessToken };
  const signal = AbortSignal.timeout(SILENT_MS);
  try {
    if (method.methodKind === 'unary') await caller.unary(method as DescMethodUnary, {}, options);
    else {
      for await (const _ of caller.stream(method as DescMethodServerStreaming, {}, { ...options, signal })) break;
    }
    return 'OK';
  } catch (error) {
    if (method.methodKind !== 'unary' && signal.aborted) return 'OK';
    if (error instanceof CallFailure) return `${error.code} ${error.reason}`;
    throw error;
  }
}

describe('every method of the public contract', () => {
  test('is of a kind that some transport carries', () => {
    expect(METHODS.length).toBeGreaterThan(20);
    expect(new Set(METHODS.map(({ methodKind }) => methodKind))).toEqual(new Set(['unary', 'server_streaming']));
  });

  test.each(METHODS.map((method) => ({ method, name: `${method.parent.typeName}/${method.name}` })))(
    '$name is reached over every transport of its kind, with the same answer',
    async ({ method }) => {
      const transports = method.methodKind === 'unary' ? TRANSPORTS : WITH_STREAMS;
      const outcomes = new Set<string>();
      for (const name of transports) outcomes.add(await outcomeOf(name, method));
      expect([...outcomes]).toEqual([
        expect.stringMatching(/^(OK|INVALID_ARGUMENT [A-Z_]+|PERMISSION_DENIED NOT_AN_OPERATOR)$/),
      ]);
    },
  );
});

describe.each(TRANSPORTS)('over %s', (name) => {
  const call = (headers: Record<string, string> = {}) => ({ token: userOf(name).accessToken, headers });
  const message = () => ({
    conversationId: conversationOf(name),
    clientMessageId: randomUUID(),
    content: { case: 'text' as const, value: 'hello' },
  });

  test('metadata survives: the trace of the call is that of its event', async () => {
    const traceId = randomBytes(16).toString('hex');
    const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
    const method = MessageService.method.sendMessage;
    const { message: sent } = await userOf(name).caller.unary(method, message(), call({ traceparent }));
    const row = (await store.events()).find((event) => event.message?.messageId === sent?.messageId);
    expect(row?.traceparent).toContain(traceId);
  });

  test('the details of an error survive: its reason', async () => {
    const method = MessageService.method.sendMessage;
    const refused = userOf(name).caller.unary(method, { ...message(), conversationId: randomUUID() }, call());
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CONVERSATION_NOT_FOUND' });
  });

  test('a deadline survives: a call that nobody answers ends with it', async () => {
    await whileNothingCommits(async () => {
      const begun = performance.now();
      const { caller } = userOf(name);
      const late = caller.unary(MessageService.method.sendMessage, message(), { ...call(), timeoutMs: 700 });
      await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(performance.now() - begun).toBeGreaterThan(600);
      expect(performance.now() - begun).toBeLessThan(5_000);
    });
  });
});

describe('a deadline is kept by the server, for a client that keeps none itself', () => {
  const body = () => {
    const content = { case: 'text' as const, value: 'hello' };
    const request = { conversationId: conversationOf('grpc-js'), clientMessageId: randomUUID(), content };
    return toBinary(SendMessageRequestSchema, create(SendMessageRequestSchema, request));
  };
  const enveloped = (bytes: Uint8Array) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  };
  const headers = () => ({ authorization: `Bearer ${userOf('grpc-js').accessToken}` });
  const post = (more: Record<string, string>, bytes: Uint8Array<ArrayBuffer>) =>
    fetch(`${mesh().plain}${SEND}`, { method: 'POST', headers: { ...headers(), ...more }, body: bytes });

  test('gRPC', () =>
    whileNothingCommits(async () => {
      const session = connectHttp2(mesh().plain);
      const stream = session.request({
        ...headers(),
        ':method': 'POST',
        ':path': SEND,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': '700m',
      });
      stream.end(enveloped(body()));
      const [head] = (await once(stream, 'response')) as [Record<string, string>];
      session.destroy();
      expect(head['grpc-status']).toBe('4');
    }));

  test('gRPC-Web', () =>
    whileNothingCommits(async () => {
      const type = { 'content-type': 'application/grpc-web+proto', 'grpc-timeout': '700m' };
      const answer = await post(type, enveloped(body()));
      expect(answer.headers.get('grpc-status')).toBe('4');
    }));

  test('Connect', () =>
    whileNothingCommits(async () => {
      const type = {
        'content-type': 'application/proto',
        'connect-timeout-ms': '700',
        'connect-protocol-version': '1',
      };
      const answer = await post(type, Buffer.from(body()));
      expect(await answer.json()).toMatchObject({ code: 'deadline_exceeded' });
    }));
});

/** Holds the places of all conversations meanwhile, so that every send waits. */
async function whileNothingCommits(work: () => Promise<void>): Promise<void> {
  const blocker = createClient({ url: mesh().stack.environment('messaging')['DATABASE_URL'] ?? '', name: 'e2e' });
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('select 1 from shard for update');
  try {
    await work();
  } finally {
    await blocker.query('rollback');
    await blocker.end();
  }
}

test.each(WITH_STREAMS)('over %s a stream that is cancelled ends at the service', async (name) => {
  const sessions = () => readMetric(mesh(), 'delivery', 'realchat_delivery_sessions');
  const before = await sessions();
  const stream = await userOf(name).subscribe();
  expect(await sessions()).toBe(before + 1);
  await stream.stop();
  await until('delivery has let it go', async () => (await sessions()) === before, 5_000);
});

test('over a WebSocket both sides speak by turns: server reflection, each question after the answer before it', async () => {
  const { webSocketUrl: url, certificateAuthority: ca } = mesh();
  const TrustingWebSocket = class extends NodeWebSocket {
    constructor(address: string | URL, protocols: string[]) {
      super(address, protocols, { ca });
    }
  };
  const token = () => userOf('websocket').accessToken;
  const transport = createWebSocketTransport({ url, token, webSocket: TrustingWebSocket as never });
  const told: string[] = [];
  let answered = Promise.withResolvers<void>();
  const ask = async function* () {
    yield { messageRequest: { case: 'listServices' as const, value: '' } };
    for (const service of PUBLIC_SERVICES) {
      await answered.promise;
      answered = Promise.withResolvers();
      yield { messageRequest: { case: 'fileContainingSymbol' as const, value: service.typeName } };
    }
    await answered.promise;
  };
  for await (const { messageResponse } of createConnectClient(ServerReflection, transport).serverReflectionInfo(
    ask(),
  )) {
    told.push(messageResponse.case ?? 'nothing');
    answered.resolve();
  }
  transport.close();
  expect(told).toEqual(['listServicesResponse', ...PUBLIC_SERVICES.map(() => 'fileDescriptorResponse')]);
});
