import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import type { Identity } from '@realchat/identity';
import { formatTraceparent, type TraceContext } from '@realchat/telemetry';
import { serverOf } from './callers.ts';
import { createChannel } from './channel.ts';
import { asBuffer } from './service-definition.ts';

/** How one call is made. */
export interface CallOptions {
  /** How long to wait, in milliseconds; the client's own default when left out. */
  deadlineMs?: number;
  signal?: AbortSignal;
  /** The trace that the call belongs to. */
  trace?: TraceContext;
}

/** The unary methods of a service as promises. They reject with grpc-js ServiceErrors. */
export type GrpcClient<S extends GenServiceMethods> = {
  [K in keyof S as S[K]['methodKind'] extends 'unary' ? K : never]: (
    request: MessageInitShape<S[K]['input']>,
    options?: CallOptions,
  ) => Promise<MessageShape<S[K]['output']>>;
} & { close(): void };

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * Calls a service of the mesh from another, over the internal network, at all its instances in turn. Calls that may be
 * repeated are when an instance is away.
 */
export function createGrpcClient<S extends GenServiceMethods>(
  service: GenService<S>,
  addresses: readonly HostPort[],
  { identity, deadlineMs }: { identity: Identity | undefined; deadlineMs: number },
): GrpcClient<S> {
  const channelOverride = createChannel({
    addresses,
    identity,
    server: serverOf(service),
    services: [service],
    maxReceiveBytes: MAX_ANSWER_BYTES,
  });
  const client = new grpc.Client('', grpc.credentials.createInsecure(), { channelOverride });
  const methods = service.methods
    .filter((method) => method.methodKind === 'unary')
    .map((method) => [method.localName, unaryMethod(client, method, deadlineMs)]);
  return { ...Object.fromEntries(methods), close: () => client.close() } as GrpcClient<S>;
}

function unaryMethod(client: grpc.Client, method: DescMethod, defaultDeadlineMs: number) {
  const path = `/${method.parent.typeName}/${method.name}`;
  return (request: MessageInitShape<DescMethod['input']>, options: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      if (options.trace) metadata.set('traceparent', formatTraceparent(options.trace));
      const call = client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => asBuffer(bytes),
        (bytes) => fromBinary(method.output, bytes),
        toBinary(method.input, create(method.input, request)),
        metadata,
        { deadline: Date.now() + (options.deadlineMs ?? defaultDeadlineMs) },
        (error, response) => {
          options.signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
          else resolve(response);
        },
      );
      const cancel = () => call.cancel();
      options.signal?.addEventListener('abort', cancel, { once: true });
      if (options.signal?.aborted) cancel();
    });
}

/** True when a call to another service failed because that service is away or slow, not because the call was wrong. */
export function isCalleeUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.DEADLINE_EXCEEDED;
}
