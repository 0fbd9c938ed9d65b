import { createSecureContext, type SecureContext } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import { ConnectError, type CallOptions as ConnectOptions, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { createWebSocketTransport } from '@realchat/client';
import { WebSocket as NodeWebSocket } from 'ws';
import { type Caller, CallFailure, type CallOptions } from './caller.ts';

/** Connect with JSON over `fetch`, as any program without a gRPC library may do. It has no streams. */
export function createConnectJsonCaller(baseUrl: string): Caller {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat: false, defaultTimeoutMs: 20_000 });
  return createConnectCaller('connect-json', transport, headersOf, async () => {});
}

/** gRPC-Web over `fetch`, as a browser does it. */
export function createGrpcWebCaller(baseUrl: string): Caller {
  const transport = createGrpcWebTransport({ baseUrl, defaultTimeoutMs: 20_000 });
  return createConnectCaller('grpc-web', transport, headersOf, async () => {});
}

/** What happened to the sockets of a WebSocket caller. */
export interface SocketLife {
  /** Close codes, in order. */
  closed: number[];
  /** Those that are open, when somebody wants to get at them. */
  open?: Set<NodeWebSocket>;
}

/**
 * The TypeScript client of this repository: all calls over one WebSocket, reopened when it is lost. `token` is asked for with
 * each new socket.
 */
export function createWebSocketCaller(options: {
  url: string;
  certificateAuthority: Buffer;
  token: () => string;
  life?: SocketLife;
}): Caller {
  const { life } = options;
  const secureContext = contextOf(options.certificateAuthority);
  const TrustingWebSocket = class extends NodeWebSocket {
    constructor(url: string | URL, protocols: string[]) {
      super(url, protocols, { secureContext } as object);
      life?.open?.add(this);
      this.on('close', () => life?.open?.delete(this));
    }
  };
  const transport = createWebSocketTransport({
    url: options.url,
    token: options.token,
    webSocket: TrustingWebSocket as never,
    defaultTimeoutMs: 20_000,
    onClosed: ({ code }) => life?.closed.push(code),
  });
  // The token is the session's; a call has none of its own.
  const headers = ({ headers = {} }: CallOptions = {}) => headers;
  const caller = createConnectCaller('websocket', transport, headers, async () => transport.close());
  return { ...caller, authenticate: (token) => transport.refresh(token) };
}

const contexts = new WeakMap<Buffer, SecureContext>();

/** One for all sockets that trust the same: to make it costs more than a handshake. */
function contextOf(ca: Buffer): SecureContext {
  const context = contexts.get(ca) ?? createSecureContext({ ca });
  contexts.set(ca, context);
  return context;
}

function createConnectCaller(
  name: string,
  transport: Transport,
  headers: (options?: CallOptions) => Record<string, string>,
  close: () => Promise<void>,
): Caller {
  return {
    name,
    async unary(method, request, options) {
      const client = createClient(method.parent, transport) as unknown as Client;
      try {
        const { timeoutMs } = options ?? {};
        const call = { headers: headers(options), ...(timeoutMs !== undefined && { timeoutMs }) };
        return (await client[method.localName]?.(request, call)) as never;
      } catch (error) {
        throw toFailure(error);
      }
    },
    async *stream(method, request, options) {
      const client = createClient(method.parent, transport) as unknown as StreamClient;
      // A stream outlives every deadline.
      const call = { headers: headers(options), signal: options.signal, timeoutMs: 0 };
      try {
        for await (const answer of client[method.localName]?.(request, call) ?? []) yield answer as never;
      } catch (error) {
        throw toFailure(error);
      }
    },
    close,
  };
}

type Client = Record<string, (request: unknown, options: ConnectOptions) => Promise<unknown>>;
type StreamClient = Record<string, (request: unknown, options: ConnectOptions) => AsyncIterable<unknown>>;

function headersOf({ token, headers = {} }: CallOptions = {}): Record<string, string> {
  return token ? { ...headers, authorization: `Bearer ${token}` } : headers;
}

/** What a client of Connect threw, as every caller tells it. */
export function toFailure(caught: unknown): CallFailure {
  const error = ConnectError.from(caught);
  return new CallFailure(error.code, error.rawMessage, error.details.map(toAny), error);
}

function toAny(detail: ConnectError['details'][number]): Any {
  if ('desc' in detail) return anyPack(detail.desc, create(detail.desc, detail.value));
  return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value });
}
