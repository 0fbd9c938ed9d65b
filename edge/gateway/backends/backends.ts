import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import { MAX_MESSAGE_BYTES } from '@realchat/rpc';
import { BACKENDS, type BackendName } from '../public-services.ts';

/** The channels to the services behind the gateway. */
export interface Backends {
  channel(backend: BackendName): grpc.ChannelInterface;
  /** One line for each service that cannot be reached, after waiting a moment for those that are connecting. */
  problems(): Promise<string[]>;
  close(): void;
}

const READY_WITHIN_MS = 1_000;

const OPTIONS: grpc.ChannelOptions = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.enable_channelz': 0,
};

/** Connects lazily; a service that is away is tried again with every call and every look at readiness. */
export function createBackends(addresses: Record<BackendName, HostPort>): Backends {
  const channels = new Map(BACKENDS.map((name) => [name, connect(addresses[name])]));
  return {
    channel: (name) => {
      const channel = channels.get(name);
      if (channel === undefined) throw new Error(`no channel to ${name}`);
      return channel;
    },
    async problems() {
      const states = [...channels].map(async ([name, channel]) =>
        (await isReady(channel)) ? [] : [`${name} cannot be reached`],
      );
      return (await Promise.all(states)).flat();
    },
    close: () => {
      for (const channel of channels.values()) channel.close();
    },
  };
}

function connect({ host, port }: HostPort): grpc.ChannelInterface {
  const target = `dns:///${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new grpc.Channel(target, grpc.credentials.createInsecure(), OPTIONS);
}

async function isReady(channel: grpc.ChannelInterface): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === grpc.connectivityState.READY) return true;
    if (state === grpc.connectivityState.SHUTDOWN) return false;
    const changed = await new Promise<boolean>((resolve) => {
      channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined));
    });
    if (!changed) return false;
  }
}
