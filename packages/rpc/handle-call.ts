import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import type { Logger } from '@realchat/telemetry';
import { type Call, type Caller, GrpcCall } from './call.ts';
import type { CallMetrics } from './call-metrics.ts';
import { endStream, refuseCall } from './end-stream.ts';
import { Encoded, type ResponseStream } from './implement.ts';
import type { PeerCheck } from './peer.ts';
import { isOpen } from './public-services.ts';
import { internalError, RpcError } from './rpc-error.ts';
import { asBuffer } from './service-definition.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { validate } from './validation.ts';

/** What every method of a server shares. */
export interface Handling {
  tokens: TokenVerifier | undefined;
  /** Whether the process that calls may call; comes before all else. */
  checkPeer: PeerCheck;
  log: Logger;
  metrics: CallMetrics;
  /** Names the refusal behind an error of a dependency; undefined leaves it an internal error. */
  classify: (error: unknown) => RpcError | undefined;
  /** Whether new calls are refused, for others to take. */
  retired: () => boolean;
}

type ServerCall = grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerWritableStream<Buffer, Buffer>;
type Unary = (call: Call, request: MessageShape<DescMessage>) => Promise<MessageInitShape<DescMessage> | Encoded>;
type Streaming = (call: Call, request: MessageShape<DescMessage>, stream: ResponseStream<DescMessage>) => Promise<void>;

/** Wraps a unary handler: who calls, what is asked, the handler, the answer; any failure becomes a status. */
export function unaryCall(
  method: DescMethod,
  handler: Unary,
  handling: Handling,
): grpc.handleUnaryCall<Buffer, Buffer> {
  const path = pathOf(method);
  return (call, respond) => {
    const ended = handling.metrics.started(path);
    if (handling.retired() && refuseCall(call)) return ended(Code.UNAVAILABLE);
    let context: GrpcCall | undefined;
    const run = async () => {
      context = new GrpcCall(path, call, handling.log, await callerOf(method, call, handling));
      const response = await handler(context, decode(method.input, call.request));
      ended(Code.OK);
      respond(null, encode(method.output, response));
    };
    run().catch((error: unknown) => {
      if (call.cancelled) return ended(Code.CANCELLED);
      const refusal = toRefusal(error, context, path, handling);
      ended(refusal.code);
      respond(toServiceError(refusal));
    });
  };
}

/** Wraps a server-streaming handler in the same way; the stream ends when the handler returns. */
export function streamingCall(
  method: DescMethod,
  handler: Streaming,
  handling: Handling,
): grpc.handleServerStreamingCall<Buffer, Buffer> {
  const path = pathOf(method);
  return (call) => {
    const ended = handling.metrics.started(path);
    if (handling.retired() && refuseCall(call)) return ended(Code.UNAVAILABLE);
    let context: GrpcCall | undefined;
    const run = async () => {
      context = new GrpcCall(path, call, handling.log, await callerOf(method, call, handling));
      // A client learns at once that the stream is open, not with its first message.
      call.sendMetadata(new grpc.Metadata());
      await handler(context, decode(method.input, call.request), responseStream(method.output, call));
      ended(Code.OK);
      call.end();
    };
    run().catch((error: unknown) => {
      if (call.cancelled) return ended(Code.CANCELLED);
      const refusal = toRefusal(error, context, path, handling);
      ended(refusal.code);
      endStream(call, toServiceError(refusal));
    });
  };
}

async function callerOf(method: DescMethod, call: ServerCall, handling: Handling): Promise<Caller | undefined> {
  handling.checkPeer(method, call);
  if (isOpen(method) || !handling.tokens) return undefined;
  const header = call.metadata.get('authorization')[0];
  const token = typeof header === 'string' && /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
  return await handling.tokens.verify(token);
}

function decode<D extends DescMessage>(schema: D, bytes: Buffer): MessageShape<D> {
  let request: MessageShape<D>;
  try {
    request = fromBinary(schema, bytes);
  } catch (cause) {
    throw new RpcError(Code.INVALID_ARGUMENT, 'MALFORMED_MESSAGE', 'the request is not a message of the contract', {
      cause,
    });
  }
  validate(schema, request);
  return request;
}

function encode(schema: DescMessage, response: MessageInitShape<DescMessage> | Encoded): Buffer {
  if (response instanceof Encoded) return asBuffer(response.bytes);
  return asBuffer(toBinary(schema, create(schema, response)));
}

function responseStream(
  schema: DescMessage,
  call: grpc.ServerWritableStream<Buffer, Buffer>,
): ResponseStream<DescMessage> {
  return {
    write: (message) => call.write(encode(schema, message)),
    drained: () =>
      new Promise((resolve) => {
        if (call.cancelled || call.destroyed || !call.writableNeedDrain) return resolve();
        const done = () => {
          for (const event of ['drain', 'cancelled', 'close']) call.off(event, done);
          resolve();
        };
        for (const event of ['drain', 'cancelled', 'close']) call.once(event, done);
      }),
  };
}

function toRefusal(error: unknown, call: Call | undefined, method: string, handling: Handling): RpcError {
  if (error instanceof RpcError) {
    if (error.code !== Code.INTERNAL) call?.log.debug({ code: error.code, reason: error.reason }, 'call refused');
    return error;
  }
  const known = handling.classify(error);
  const log = call?.log ?? handling.log.child({ method });
  if (known) {
    log.warn({ err: error, reason: known.reason }, 'a dependency failed');
    return known;
  }
  const traceId = call?.trace.traceId ?? 'none';
  log.error({ err: error }, 'call failed');
  return internalError(traceId, error);
}

function toServiceError(refusal: RpcError): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', asBuffer(refusal.toStatusBytes()));
  return Object.assign(new Error(refusal.message), {
    code: refusal.code as grpc.status,
    details: refusal.message,
    metadata,
  });
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
