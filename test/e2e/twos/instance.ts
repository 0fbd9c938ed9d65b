import type { InstanceName, MeshName } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { readEnvoyStats, readMetric } from '../support/counters.ts';
import type { Mesh } from '../support/mesh.ts';

/** What an instance has to do right now, by a counter of its own: a fault of one that does nothing proves nothing. */
export interface Work {
  /** Calls that it has answered, or rows that it has published. */
  done: number;
  /** Streams, sockets or shards that are its own right now. */
  holds: number;
}

/** Whom clients call, or wait for. Operators call operations, and nobody does here. */
export const SERVICES = ['auth', 'profile', 'messaging', 'relay', 'delivery', 'gateway'] as const satisfies MeshName[];
type ServiceName = (typeof SERVICES)[number];

const COUNTERS: Record<ServiceName, { done: string; holds?: string }> = {
  auth: { done: 'rpc_server_call_duration_seconds_count' },
  profile: { done: 'rpc_server_call_duration_seconds_count' },
  messaging: { done: 'rpc_server_call_duration_seconds_count' },
  relay: { done: 'outbox_published_rows_total', holds: 'outbox_owned_shards' },
  delivery: { done: 'realchat_delivery_events_total', holds: 'realchat_delivery_sessions' },
  gateway: { done: 'realchat_gateway_call_duration_seconds_count', holds: 'realchat_gateway_sockets' },
};

export function serviceOf(name: InstanceName): ServiceName {
  return name.replace(/-\d+$/, '') as ServiceName;
}

/** The other one of the two. */
export function otherOf(name: InstanceName): InstanceName {
  const service = serviceOf(name);
  return name === service ? `${service}-2` : service;
}

export async function workOf(mesh: Mesh, name: InstanceName): Promise<Work> {
  const { done, holds } = COUNTERS[serviceOf(name)];
  return {
    done: await readMetric(mesh, name, done),
    holds: holds ? await readMetric(mesh, name, holds) : 0,
  };
}

/** The instances of a service, the one that holds most first: what is lost with it is seen. */
export async function byHolding(mesh: Mesh, service: ServiceName): Promise<[InstanceName, ...InstanceName[]]> {
  const names = ([service, `${service}-2`] as const).filter((name) => mesh.stack.processes.has(name));
  const found = await Promise.all(names.map(async (name) => ({ name, holds: (await workOf(mesh, name)).holds })));
  const [first = service, ...others] = found.toSorted((a, b) => b.holds - a.holds).map(({ name }) => name);
  return [first, ...others];
}

/** Waits until an instance is seen at work: it does more than it had done, and has its share of what is held. */
export async function untilAtWork(mesh: Mesh, name: InstanceName): Promise<Work> {
  const before = await workOf(mesh, name);
  const holds = COUNTERS[serviceOf(name)].holds !== undefined;
  return until(
    `${name} works`,
    async () => {
      const now = await workOf(mesh, name);
      return now.done > before.done && (!holds || now.holds > 0) && now;
    },
    20_000,
  );
}

/** Waits until Envoy sends calls to both instances of every service again, and the relays share the shards. */
export async function untilBothServe(mesh: Mesh): Promise<void> {
  // auth, profile, messaging, delivery and the gateway's two ports.
  const healthy = () =>
    readEnvoyStats(mesh, /^cluster\.(auth|profile|messaging|delivery|gateway|gateway_h2c)\.membership_healthy$/);
  await until('Envoy knows both of each', async () => (await healthy()) === 12, 20_000);
  const shares = () => Promise.all((['relay', 'relay-2'] as const).map((name) => workOf(mesh, name)));
  await until('both relays have shards', async () => (await shares()).every(({ holds }) => holds > 0), 20_000);
}
