import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
} from '@bufbuild/protobuf';
import {
  ConnectError,
  type ContextValues,
  createContextValues,
  type Interceptor,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from '@connectrpc/connect';
import {
  createClientMethodSerializers,
  createLinkedAbortController,
  createMethodUrl,
  runStreamingCall,
  runUnaryCall,
} from '@connectrpc/connect/protocol';
import type { CallRequest } from '@realchat/framing';
import { abortable, mapped } from './async-iterables.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { fromFault } from './errors.ts';
import { toHeaders, toMetadata } from './metadata.ts';
import { StreamCall } from './stream-call.ts';
import { callUnary } from './unary-call.ts';

export interface WebSocketTransportOptions extends ConnectionOptions {
  readonly interceptors?: Interceptor[] | undefined;
  /** The deadline of calls that set none, in milliseconds. Default: none; the gateway bounds unary calls. */
  readonly defaultTimeoutMs?: number | undefined;
}

/** All RPCs of all kinds over one socket, for the clients that `createClient` of @connectrpc/connect makes. */
export interface WebSocketTransport extends Transport {
  /** Hands a newer access token of the same user and session to the open socket, which lives on with it. */
  refresh(token: string): Promise<void>;
  /**
   * Looks at once whether the socket lives, as after a sleep or a change of networks: it is given up when the server does
   * not answer within so many milliseconds.
   */
  probe(timeoutMs: number): void;
  /** Ends all calls and closes the socket, for good. */
  close(): void;
}

/** Longer, about 24 days, and no timer holds: as good as none. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Makes a transport over the gateway's WebSocket. The socket is opened for the first call, and again for the first call
 * after it was lost: then open calls have ended with Unavailable, and whoever made them decides what to make again.
 * As with every transport of Connect, a stream that is left early must be aborted by its signal.
 *
 * @example
 * const transport = createWebSocketTransport({ url: 'wss://chat.example.com/ws', token: () => session.accessToken });
 * const messages = createClient(MessageService, transport);
 */
export function createWebSocketTransport(options: WebSocketTransportOptions): WebSocketTransport {
  const connection = new Connection(options);
  const timeoutOf = (timeoutMs: number | undefined): number | undefined => {
    const chosen = timeoutMs ?? options.defaultTimeoutMs;
    return chosen === undefined || chosen <= 0 || chosen > LONGEST_TIMEOUT_MS ? undefined : chosen;
  };
  return {
    unary: (method, signal, timeoutMs, header, input, contextValues) =>
      unary(connection, options, { method, signal, timeoutMs: timeoutOf(timeoutMs), header, input, contextValues }),
    stream: (method, signal, timeoutMs, header, input, contextValues) =>
      stream(connection, options, { method, signal, timeoutMs: timeoutOf(timeoutMs), header, input, contextValues }),
    refresh: (token) => connection.refresh(token),
    probe: (timeoutMs) => connection.probe(timeoutMs),
    close: () => connection.close(),
  };
}

interface Call<Method extends DescMethod, Input> {
  readonly method: Method;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly input: Input;
  readonly contextValues: ContextValues | undefined;
}

function unary<I extends DescMessage, O extends DescMessage>(
  connection: Connection,
  { interceptors, url }: WebSocketTransportOptions,
  call: Call<DescMethodUnary<I, O>, MessageInitShape<I>>,
): Promise<UnaryResponse<I, O>> {
  const { method, timeoutMs } = call;
  const { serialize, parse } = createClientMethodSerializers(method, true);
  const requestOf = requests(method, timeoutMs);
  return runUnaryCall<I, O>({
    ...shared(interceptors, call),
    req: { ...requestParts(url, call), stream: false, service: method.parent, method, message: call.input },
    next: async (req) => {
      const session = await abortable(connection.session(), req.signal);
      try {
        const answer = await callUnary(session, requestOf(req.header), serialize(req.message), req.signal);
        return {
          stream: false,
          service: method.parent,
          method,
          header: toHeaders(answer.headers),
          message: parse(answer.message),
          trailer: toHeaders(answer.trailers),
        };
      } catch (error) {
        throw fromFault(error);
      }
    },
  });
}

function stream<I extends DescMessage, O extends DescMessage>(
  connection: Connection,
  { interceptors, url }: WebSocketTransportOptions,
  call: Call<DescMethodStreaming<I, O>, AsyncIterable<MessageInitShape<I>>>,
): Promise<StreamResponse<I, O>> {
  const { method, timeoutMs } = call;
  const { serialize, parse } = createClientMethodSerializers(method, true);
  const requestOf = requests(method, timeoutMs);
  const controller = createLinkedAbortController(call.signal);
  return runStreamingCall<I, O>({
    ...shared(interceptors, call),
    signal: controller.signal,
    req: { ...requestParts(url, call), stream: true, service: method.parent, method, message: call.input },
    next: async (req) => {
      const session = await abortable(connection.session(), req.signal);
      const trailer = new Headers();
      try {
        const streamCall = new StreamCall(session, requestOf(req.header), req.signal);
        // What is wrong with the caller's own messages is the error of its call.
        streamCall.sendAll(mapped(req.message, serialize)).catch((error) => controller.abort(ConnectError.from(error)));
        const header = toHeaders(await streamCall.headers);
        const copyTrailers = (): void => {
          for (const [name, value] of toHeaders(streamCall.trailers)) trailer.append(name, value);
        };
        const message = mapped(streamCall, parse, copyTrailers);
        return { stream: true, service: method.parent, method, header, message, trailer };
      } catch (error) {
        throw fromFault(error);
      }
    },
  });
}

function shared(interceptors: Interceptor[] | undefined, call: Call<DescMethod, unknown>) {
  return {
    ...(interceptors === undefined ? {} : { interceptors }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
  };
}

function requestParts(url: string | URL, { method, header, contextValues }: Call<DescMethod, unknown>) {
  return {
    requestMethod: 'POST',
    url: createMethodUrl(url, method),
    header: new Headers(header),
    contextValues: contextValues ?? createContextValues(),
  };
}

/** The time that connecting took is not there twice. */
function requests(method: DescMethod, timeoutMs: number | undefined): (headers: Headers) => CallRequest {
  const begun = performance.now();
  return (headers) => ({
    method: `/${method.parent.typeName}/${method.name}`,
    metadata: toMetadata(headers),
    timeoutMs: timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - begun),
  });
}
