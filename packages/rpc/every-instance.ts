import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { HostPort } from '@realchat/config';
import type { Identity } from '@realchat/identity';
import { addressesOf } from './address-resolver.ts';
import { createGrpcClient, type GrpcClient } from './client.ts';

/** What one instance answered, or why it did not. */
export type InstanceAnswer<T> = { address: string } & ({ answer: T } | { error: unknown });

/** Asks every instance of a service, where any other client asks one of them. */
export interface EveryInstance<S extends GenServiceMethods> {
  /** Never rejects: an instance that fails is told as such, and so is a name that has no address. */
  ask<T>(call: (client: GrpcClient<S>) => Promise<T>): Promise<InstanceAnswer<T>[]>;
  close(): void;
}

/** A client of each address of a service; names are looked up at each question. */
export function createEveryInstance<S extends GenServiceMethods>(
  service: GenService<S>,
  addresses: readonly HostPort[],
  options: { identity: Identity | undefined; deadlineMs: number },
): EveryInstance<S> {
  const clients = new Map<string, GrpcClient<S>>();

  const clientOf = (address: HostPort): GrpcClient<S> => {
    const name = written(address);
    const client = clients.get(name) ?? createGrpcClient(service, [address], options);
    clients.set(name, client);
    return client;
  };

  return {
    async ask<T>(call: (client: GrpcClient<S>) => Promise<T>) {
      const found = await Promise.all(addresses.map(lookUp));
      const answers = found.flat().map(async (instance): Promise<InstanceAnswer<T>> => {
        const address = written(instance.address);
        if ('error' in instance) return { address, error: instance.error };
        try {
          return { address, answer: await call(clientOf(instance.address)) };
        } catch (error) {
          return { address, error };
        }
      });
      const present = new Set(found.flat().map(({ address }) => written(address)));
      const all = await Promise.all(answers);
      for (const [name, client] of clients) {
        if (present.has(name)) continue;
        client.close();
        clients.delete(name);
      }
      return all;
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}

async function lookUp(address: HostPort): Promise<({ address: HostPort } | { address: HostPort; error: unknown })[]> {
  try {
    return (await addressesOf(address)).map((each) => ({ address: each }));
  } catch (error) {
    return [{ address, error }];
  }
}

function written({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
