import type { DescService } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';
import type { Identity } from '@realchat/identity';
import { createChannel, MAX_MESSAGE_BYTES } from '@realchat/rpc';
import { BACKENDS, type BackendName, type PublicService } from '../public-services.ts';

/** The channels to the services behind the gateway. */
export interface Backends {
  channel(backend: BackendName): grpc.ChannelInterface;
  /** One line for each service that cannot be reached, after waiting a moment for those that are connecting. */
  problems(): Promise<string[]>;
  close(): void;
}

const READY_WITHIN_MS = 1_000;

/** Connects lazily; a service that is away is tried again with every call and every look at readiness. */
export function createBackends(
  addresses: Record<BackendName, readonly HostPort[]>,
  services: readonly PublicService[],
  identity: Identity | undefined,
): Backends {
  const connect = (name: BackendName): grpc.ChannelInterface =>
    createChannel({
      addresses: addresses[name],
      identity,
      server: name,
      services: servedBy(name, services),
      maxReceiveBytes: MAX_MESSAGE_BYTES,
    });
  const channels = new Map(BACKENDS.map((name) => [name, connect(name)]));
  return {
    channel: (name) => {
      const channel = channels.get(name);
      if (channel === undefined) throw new Error(`no channel to ${name}`);
      return channel;
    },
    async problems() {
      // Who chats needs no operators.
      const needed = [...channels].filter(([name]) => name !== 'operations');
      const states = needed.map(async ([name, channel]) =>
        (await isReady(channel)) ? [] : [`${name} cannot be reached`],
      );
      return (await Promise.all(states)).flat();
    },
    close: () => {
      for (const channel of channels.values()) channel.close();
    },
  };
}

function servedBy(name: BackendName, services: readonly PublicService[]): DescService[] {
  return services.flatMap(({ service, backend }) => (backend === name ? [service] : []));
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
