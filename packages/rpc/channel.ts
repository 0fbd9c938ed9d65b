import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import type { Identity } from '@realchat/identity';
import { targetOf } from './address-resolver.ts';
import { channelCredentials, channelOptions } from './credentials.ts';

/** What a channel is made of. */
export interface ChannelOptions {
  /** Every instance of the callee; a name stands for each address that it has. */
  addresses: readonly HostPort[];
  /** Who this process is, to those it calls; plain text without an identity. */
  identity: Identity | undefined;
  /** The process that is called, by its name in the mesh: no other is taken for it, at whatever address. */
  server: string;
  /** What is called on it: calls that may be repeated are told by their contract. */
  services: readonly DescService[];
  /** The most bytes of one answer. */
  maxReceiveBytes: number;
}

// An instance that hangs holds its connections: pings find it while calls wait for it.
const CONNECTION: grpc.ChannelOptions = {
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.enable_channelz': 0,
};

/**
 * A channel from one process of the mesh to all instances of a service. Calls go to them in turn. An instance that stops or
 * dies is left at once; calls that may be repeated are, elsewhere, within a budget.
 */
export function createChannel(options: ChannelOptions): grpc.Channel {
  const { addresses, identity, server, services, maxReceiveBytes } = options;
  return new grpc.Channel(targetOf(addresses), channelCredentials(identity, server), {
    ...CONNECTION,
    ...channelOptions(identity, server),
    'grpc.max_receive_message_length': maxReceiveBytes,
    'grpc.service_config': JSON.stringify(serviceConfig(services.flatMap(({ methods }) => methods))),
  });
}

function serviceConfig(methods: readonly DescMethod[]): object {
  const repeatable = methods
    .filter(mayBeRepeated)
    .map((method) => ({ service: method.parent.typeName, method: method.name }));
  return {
    loadBalancingConfig: [{ round_robin: {} }],
    ...(repeatable.length > 0 && {
      methodConfig: [
        {
          name: repeatable,
          retryPolicy: {
            maxAttempts: 5,
            initialBackoff: '0.05s',
            maxBackoff: '0.5s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
      // With a callee that refuses everything, repeating would only make it more: after some refusals it is left off.
      retryThrottling: { maxTokens: 20, tokenRatio: 0.2 },
    }),
  };
}

function mayBeRepeated({ methodKind, idempotency }: DescMethod): boolean {
  // A stream too, as long as nothing of it has come.
  return (
    (methodKind === 'unary' || methodKind === 'server_streaming') &&
    (idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
      idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT)
  );
}
