import type { KafkaListener } from './kafka-listeners.ts';
import { type MeshName, meshNames } from './mesh.ts';
import type { Ports } from './ports.ts';
import type { Progress } from './progress.ts';

export const engineNames = ['postgres', 'valkey', 'kafka'] as const;
type EngineName = (typeof engineNames)[number];
export type PartName = EngineName | MeshName | 'envoy';

/** Everything that a whole stack has. */
export const allParts: readonly PartName[] = [...engineNames, ...meshNames, 'envoy'];

/** From the edge inwards: who is stopped later still serves those before it while they drain. */
export const stopOrder: readonly PartName[] = [
  ...(['envoy', 'gateway', 'delivery', 'relay', 'messaging', 'profile', 'auth'] as const),
  ...(['kafka', 'valkey', 'postgres'] as const),
];

/** What differs from the stack of `npm start`. */
export interface StackOverrides {
  /** Environment of processes of the mesh, over that of the table: `{ delivery: { REDIS_URL: … } }`. */
  env?: Partial<Record<MeshName, Record<string, string>>>;
  kafka?: {
    /** `host:port` that one client process uses in place of its listener, such as that of a proxy before it. */
    advertised?: Partial<Record<KafkaListener, string>>;
  };
  postgres?: {
    /** Lines of postgresql.conf. */
    settings?: Record<string, string>;
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
  /** Overrides, or how to make them once the ports are known (a proxy has to know where it leads). */
  overrides?: StackOverrides | ((ports: Ports) => StackOverrides | Promise<StackOverrides>);
  /** The least level that the processes of the mesh log. */
  logLevel?: string;
  /** Written into the lock, for others to read. */
  owner?: unknown;
  progress?: Progress;
}
