import type { Message } from '@bufbuild/protobuf';
import { type ConnectRouter, createConnectRouter, type HandlerContext } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { compressionGzip } from '@connectrpc/connect-node';
import { Health } from '@realchat/gen/grpc/health/v1/health';
import { MAX_MESSAGE_BYTES, RpcError } from '@realchat/rpc';
import type { GatewayContext } from '../context.ts';
import type { Route } from '../public-services.ts';
import { bearerToken } from './bearer-token.ts';
import { refused } from './errors.ts';
import { clientAddressKey, forward, forwardForOne } from './forward.ts';
import { gatewayHealth } from './health.ts';
import { strictJsonText } from './json-text.ts';

/** Longer, and no timer holds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

// Connect reads its text decoder from here too, although its type does not say so.
const JSON_OPTIONS = { textDecoder: strictJsonText, ignoreUnknownFields: false };

/** Handlers for every public method, over Connect (JSON and binary, POST and GET), gRPC-Web and gRPC, by path. */
export function createRpcHandlers(context: GatewayContext): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({
    // No brotli: at its default quality, compressing one page costs the better part of a second.
    acceptCompression: [compressionGzip],
    readMaxBytes: MAX_MESSAGE_BYTES,
    // JSON is larger than what it is made of.
    writeMaxBytes: 8 * MAX_MESSAGE_BYTES,
    maxTimeoutMs: LONGEST_TIMEOUT_MS,
    jsonOptions: JSON_OPTIONS,
    requestGate: (call) => admit(context, call),
  });
  for (const route of context.routes.values()) addRoute(router, context, route);
  router.service(Health, gatewayHealth(context));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

/** Refuses callers without a valid token, and those over a limit, before a byte of their message is read. */
async function admit({ routes, tokens, limits }: GatewayContext, call: HandlerContext): Promise<void> {
  const route = routes.get(`/${call.service.typeName}/${call.method.name}`);
  if (route === undefined) return;
  try {
    const caller = route.open ? undefined : await tokens.verify(bearerToken(call.requestHeader));
    const source = { address: call.values.get(clientAddressKey), userId: caller?.userId };
    const refusal = await limits.admit(route.path, source);
    if (refusal) throw refusal;
  } catch (error) {
    throw error instanceof RpcError ? refused(error) : error;
  }
}

function addRoute(router: ConnectRouter, context: GatewayContext, route: Route): void {
  const one = (request: Message, call: HandlerContext) => forwardForOne(context, route, only(request), call);
  const all = (requests: AsyncIterable<Message>, call: HandlerContext) => forwardForOne(context, route, requests, call);
  const oneForMany = (request: Message, call: HandlerContext) => forward(context, route, only(request), call);
  const many = (requests: AsyncIterable<Message>, call: HandlerContext) => forward(context, route, requests, call);
  const implementations = { unary: one, client_streaming: all, server_streaming: oneForMany, bidi_streaming: many };
  // Which of the four it must be, the type of a method that is only known at run time cannot say.
  router.rpc(route.method, implementations[route.method.methodKind] as never);
}

async function* only(request: Message): AsyncGenerator<Message, void, void> {
  yield request;
}
