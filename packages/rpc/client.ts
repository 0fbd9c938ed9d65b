import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import { formatTraceparent, type TraceContext } from '@realchat/telemetry';
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

const CHANNEL: grpc.ChannelOptions = {
  'grpc.max_receive_message_length': 32 * 1024 * 1024,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/** Calls a service of the mesh from another, over the internal network. Reads are retried when an instance is away. */
export function createGrpcClient<S extends GenServiceMethods>(
  service: GenService<S>,
  address: HostPort,
  options: { deadlineMs: number },
): GrpcClient<S> {
  const channel = new grpc.Client(`dns:///${address.host}:${address.port}`, grpc.credentials.createInsecure(), {
    ...CHANNEL,
    'grpc.service_config': JSON.stringify(serviceConfig(service.methods)),
  });
  const methods = service.methods
    .filter((method) => method.methodKind === 'unary')
    .map((method) => [method.localName, unaryMethod(channel, method, options.deadlineMs)]);
  return { ...Object.fromEntries(methods), close: () => channel.close() } as GrpcClient<S>;
}

function unaryMethod(channel: grpc.Client, method: DescMethod, defaultDeadlineMs: number) {
  const path = `/${method.parent.typeName}/${method.name}`;
  return (request: MessageInitShape<DescMethod['input']>, options: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      if (options.trace) metadata.set('traceparent', formatTraceparent(options.trace));
      const call = channel.makeUnaryRequest(
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

function serviceConfig(methods: DescMethod[]): grpc.ServiceConfig {
  const reads = methods.filter((method) => method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS);
  return {
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [
      {
        name: reads.map((method) => ({ service: method.parent.typeName, method: method.name })),
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.05s',
          maxBackoff: '0.5s',
          backoffMultiplier: 2,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  } as unknown as grpc.ServiceConfig;
}

/** True when a call to another service failed because that service is away or slow, not because the call was wrong. */
export function isCalleeUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.DEADLINE_EXCEEDED;
}
