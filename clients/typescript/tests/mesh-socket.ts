import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ConnectError, createRouterTransport, type Transport } from '@connectrpc/connect';
import { type Accept, Code, type IncomingCall, statusOf } from '@realchat/framing';
import {
  DeliveryService,
  SubscribeRequestSchema,
  SubscribeResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type ChatStore, createRealChat, memoryStore, type RealChat, type RealChatOptions } from '../index.ts';
import { fakeGateway } from './fake-gateway.ts';
import { bearerOf, type FakeMesh } from './fake-mesh.ts';

/** A client of a user on an in-memory mesh, logged in and not started: unary calls by a transport, streams by a socket. */
export async function clientOn(
  mesh: FakeMesh,
  userId: string,
  options: Partial<RealChatOptions> & { store?: ChatStore } = {},
): Promise<RealChat> {
  const { store = memoryStore() } = options;
  const tokens = { accessToken: `token of ${userId}`, refreshToken: 'none', refreshAt: Date.now() + 240_000 };
  const session = { loginId: 'login', userId, username: userId.slice('id-of-'.length), ...tokens };
  await store.set('session', JSON.stringify(session));
  const streams = createRouterTransport((router) => mesh.routes(router));
  const { webSocket } = fakeGateway((call) => subscribe(call, streams, userId));
  const client = createRealChat({
    url: 'http://mesh',
    store,
    webSocket,
    gapGraceMs: 5,
    unary: (interceptors) => createRouterTransport((router) => mesh.routes(router), { transport: { interceptors } }),
    ...options,
  });
  await client.resume();
  return client;
}

function subscribe(call: IncomingCall, streams: Transport, userId: string): ReturnType<Accept> {
  const closed = new AbortController();
  const run = async (request: Uint8Array) => {
    const input = [fromBinary(SubscribeRequestSchema, request)];
    const header = { authorization: bearerOf(userId) };
    try {
      const method = DeliveryService.method.subscribe;
      const { message } = await streams.stream(method, closed.signal, undefined, header, values(input));
      for await (const response of message)
        call.send(toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, response)));
      call.end(statusOf(Code.OK));
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      call.end(statusOf(code as number, rawMessage));
    }
  };
  return { message: (request) => void run(request.slice()), closed: () => closed.abort() };
}

async function* values<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
