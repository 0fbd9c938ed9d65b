import { type InstanceName, type Instances, type MeshName, meshNames } from './instances.ts';
import type { KafkaListener, KafkaPorts } from './kafka-listeners.ts';
import type { Ports } from './ports.ts';
import type { Progress } from './progress.ts';

export const engineNames = ['postgres', 'valkey', 'kafka'] as const;
type EngineName = (typeof engineNames)[number];
export type PartName = EngineName | MeshName | 'envoy';
/** A part that runs as one process, or one process of a service. */
export type ProcessName = PartName | InstanceName | `kafka-${number}` | 'postgres-standby';

/** Everything that a whole stack has. */
export const allParts: readonly PartName[] = [...engineNames, ...meshNames, 'envoy'];

/**
 * Who goes down with whom, one group after the other. From the edge inwards, so that who is stopped later still serves those
 * before it while they drain; Envoy behind them all, so that clients hear from the mesh itself that it stops.
 */
export const stopGroups: readonly (readonly PartName[])[] = [
  ['gateway'],
  ['delivery', 'relay', 'profile', 'operations'],
  ['messaging'],
  ['auth'],
  ['envoy'],
  ['kafka', 'valkey', 'postgres'],
];

export const stopOrder: readonly PartName[] = stopGroups.flat();

/** What differs from the stack of `npm start`. */
export interface StackOverrides {
  /**
   * Environment of processes of the mesh, over that of the table: `{ delivery: { REDIS_URL: … } }` for every instance,
   * `delivery-1` or `delivery-2` for that one.
   */
  env?: Partial<Record<InstanceName, Record<string, string>>>;
  /**
   * Where processes find others: in the environment of every instance of a service, one `host:port` is replaced by another,
   * such as that of a proxy: `{ messaging: { '127.0.0.1:15432': '127.0.0.1:40001' } }`.
   */
  reroute?: Partial<Record<MeshName, Record<string, string>>>;
  /** How old Envoy's copy of the public keys may be while auth answers, in seconds. Default 300. */
  keysMaxAgeSeconds?: number;
  kafka?: {
    /** `host:port` that one client process uses in place of its listener, such as that of a proxy before it. */
    advertised?: Partial<Record<KafkaListener, string>>;
    /** Environment of the broker. */
    env?: Record<string, string>;
    /** The brokers besides the first, and controllers with it: `kafka-2`, `kafka-3`, each with ports of its own. */
    others?: readonly { ports: KafkaPorts; controllerPort: number }[];
  };
  postgres?: {
    /** Lines of postgresql.conf. */
    settings?: Record<string, string>;
    /** Environment of the server. */
    env?: Record<string, string>;
    /** A second server, `postgres-standby`, without which nothing is acknowledged. For a cluster that has not run yet. */
    standby?: { port: number };
  };
  /** Origins of pages elsewhere that may call, besides the edge's own. */
  origins?: string[];
}

export interface StackOptions {
  /** Where everything is kept. One stack runs on it at a time. */
  dataDir: string;
  /**
   * `development`: the known ports, the next free one where somebody else has one. `private`: a block of free ports that no
   * other stack of this machine has, for tests.
   */
  ports?: 'development' | 'private';
  /** The address on which the edge listens. Nothing else leaves loopback. */
  host?: string;
  /** What to run; everything unless given. A test of one service needs engines only: `engineNames`. */
  parts?: readonly PartName[];
  /** How many processes of a service run: `{ messaging: 2 }`; one unless given. */
  instances?: Instances;
  /** Overrides, or how to make them once the ports are known (a proxy has to know where it leads). */
  overrides?: StackOverrides | ((ports: Ports) => StackOverrides | Promise<StackOverrides>);
  /** The least level that the processes of the mesh log. */
  logLevel?: string;
  /** Written into the lock, for others to read. */
  owner?: unknown;
  progress?: Progress;
}
