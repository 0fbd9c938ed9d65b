import type { EventEmitter } from 'node:events';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import { asBuffer, RpcError, toServiceDefinition } from '@realchat/rpc';
import { type Echo, EchoSchema, EchoService } from './echo-service.ts';

/** What the backend has seen of a call. */
export interface Seen {
  readonly metadata: grpc.Metadata;
  /** Milliseconds that were left when it came; Infinity without a deadline. */
  readonly timeoutMs: number;
  cancelled: boolean;
  /** Messages that the backend has handed to its stream. */
  written: number;
}

export interface EchoBackend {
  readonly port: number;
  readonly calls: Seen[];
  stop(): void;
}

type Duplex = grpc.ServerDuplexStream<Buffer, Buffer>;
type ServerCall = EventEmitter & {
  readonly metadata: grpc.Metadata;
  getDeadline(): grpc.Deadline;
  sendMetadata(headers: grpc.Metadata): void;
};

/**
 * A backend in plain grpc-js. What it does is in the text of its first message: `fail`, `hang`, `flood` (messages as fast as
 * its reader takes them), else it answers each message with itself, `count` times.
 */
export async function startEchoBackend(): Promise<EchoBackend> {
  const calls: Seen[] = [];
  const see = (call: ServerCall): Seen => {
    const seen = {
      metadata: call.metadata,
      timeoutMs: Number(call.getDeadline()) - Date.now(),
      cancelled: false,
      written: 0,
    };
    calls.push(seen);
    call.on('cancelled', () => {
      seen.cancelled = true;
    });
    const headers = new grpc.Metadata();
    headers.set('x-header', 'of the backend');
    call.sendMetadata(headers);
    return seen;
  };
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 4 * 1024 * 1024 });
  server.addService(toServiceDefinition(EchoService), {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) => {
      see(call);
      const request = fromBinary(EchoSchema, call.request);
      if (request.text === 'hang') return;
      if (request.text === 'fail') respond(failure());
      else respond(null, call.request, trailers());
    },
    clientStream: (call: grpc.ServerReadableStream<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) => {
      see(call);
      let count = 0;
      call.on('data', () => {
        count += 1;
      });
      call.on('end', () => respond(null, encode({ text: 'counted', count }), trailers()));
    },
    serverStream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => answer(call, see(call), call.request),
    bidi: (call: Duplex) => {
      see(call);
      call.on('data', (bytes: Buffer) => call.write(bytes));
      call.on('end', () => call.end(trailers()));
    },
    unread: (call: Duplex) => {
      see(call);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, calls, stop: () => server.forceShutdown() };
}

function answer(call: grpc.ServerWritableStream<Buffer, Buffer>, seen: Seen, request: Buffer): void {
  const { text, count, data } = fromBinary(EchoSchema, request);
  if (text === 'hang') return;
  if (text === 'fail') call.emit('error', failure());
  else if (text === 'flood') flood(call, seen, encode({ data }));
  else {
    for (let index = 0; index < count; index++) call.write(encode({ text, count: index, data }));
    call.end(trailers());
  }
}

function flood(call: grpc.ServerWritableStream<Buffer, Buffer>, seen: Seen, message: Buffer): void {
  const more = (): void => {
    while (!call.cancelled) {
      seen.written += 1;
      if (!call.write(message)) return;
    }
  };
  call.on('drain', more);
  more();
}

function encode(echo: Partial<Omit<Echo, '$typeName'>>): Buffer {
  return asBuffer(toBinary(EchoSchema, create(EchoSchema, echo)));
}

function trailers(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('x-trailer', 'of the backend');
  metadata.set('x-trailer-bin', Buffer.from([0, 255]));
  return metadata;
}

function failure(): Partial<grpc.ServiceError> {
  const metadata = trailers();
  const why = new RpcError(Code.FAILED_PRECONDITION, 'TEST_FAILED', 'as you wished: ü', { retryAfterMs: 1_500 });
  metadata.set('grpc-status-details-bin', asBuffer(why.toStatusBytes()));
  return { code: grpc.status.FAILED_PRECONDITION, details: why.message, metadata };
}
