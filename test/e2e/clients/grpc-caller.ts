import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import { type Caller, CallFailure, type CallOptions } from './caller.ts';

const DEADLINE_MS = 20_000;

const same = (bytes: Buffer) => bytes;

/** Native gRPC from Node, over TLS unless it is to be `plain`. `address` is `host:port`. */
export function createGrpcCaller(address: string, certificateAuthority?: Buffer, plain = false): Caller {
  const { createInsecure, createSsl } = grpc.credentials;
  const channel = new grpc.Client(address, plain ? createInsecure() : createSsl(certificateAuthority), {
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  const path = (method: { parent: { typeName: string }; name: string }) => `/${method.parent.typeName}/${method.name}`;
  return {
    name: 'grpc-js',
    unary: (method, request, options) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
        const deadline = Date.now() + (options?.timeoutMs ?? DEADLINE_MS);
        channel.makeUnaryRequest(
          path(method),
          same,
          same,
          bytes,
          metadataOf(options),
          { deadline },
          (error, answer) => {
            if (error) reject(toFailure(error));
            else resolve(fromBinary(method.output, answer as Buffer));
          },
        );
      }),
    async *stream(method, request, options) {
      const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
      const call = channel.makeServerStreamRequest(path(method), same, same, bytes, metadataOf(options));
      const cancel = () => call.cancel();
      options.signal.addEventListener('abort', cancel);
      try {
        for await (const answer of call) yield fromBinary(method.output, answer as Buffer);
      } catch (error) {
        throw toFailure(error as grpc.ServiceError);
      } finally {
        options.signal.removeEventListener('abort', cancel);
      }
    },
    close: async () => channel.close(),
  };
}

function metadataOf({ token, headers = {} }: CallOptions = {}): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  if (token) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function toFailure(error: grpc.ServiceError): CallFailure {
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  const details = bytes instanceof Buffer ? fromBinary(StatusSchema, bytes).details : [];
  return new CallFailure(error.code ?? 2, error.details ?? error.message, details, error);
}
