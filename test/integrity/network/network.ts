import type { Instances, KafkaListener, MeshName, Ports, StackOverrides } from '@realchat/stack';
import { startTcpProxy, type TcpProxy } from '@realchat/testkit';
import { kafkaPorts } from '../../../tools/stack/kafka-listeners.ts';
import { addressesOf } from '../../../tools/stack/mesh.ts';
import type { PortName } from '../../../tools/stack/ports.ts';
import { type Toxic, Toxiproxy } from './toxiproxy.ts';

type Peer = 'postgres' | 'redis' | 'kafka' | 'messaging' | 'delivery' | 'auth';

/** Which ports are behind each name. */
const PEERS: Record<
  Exclude<Peer, 'kafka'>,
  { engine: PortName } | { service: MeshName; grpc: PortName; internal: PortName }
> = {
  postgres: { engine: 'postgres' },
  redis: { engine: 'valkey' },
  auth: { service: 'auth', grpc: 'authGrpc', internal: 'authInternal' },
  messaging: { service: 'messaging', grpc: 'messagingGrpc', internal: 'messagingInternal' },
  delivery: { service: 'delivery', grpc: 'deliveryGrpc', internal: 'deliveryInternal' },
};

/** Between which parts there can be a proxy: `<process>-<peer>`, for all instances of both, and `clients-edge`. */
const WIRES = [
  ...(['auth', 'profile', 'messaging', 'relay'] as const).map((process) => `${process}-postgres` as const),
  ...(['auth', 'profile', 'messaging', 'delivery', 'gateway'] as const).map((process) => `${process}-redis` as const),
  ...(['relay', 'delivery', 'operations'] as const).map((process) => `${process}-kafka` as const),
  'delivery-messaging',
  'gateway-messaging',
  'gateway-delivery',
  'clients-edge',
] as const;
export type WireName = (typeof WIRES)[number];

/** One connection point: a proxy of toxiproxy, and before it one that counts what comes back. */
interface Lane {
  proxy: string;
  counter: TcpProxy;
}

/** The wire between two parts. */
export interface Wire {
  /** Answers how to take it away again. */
  poison(toxic: Toxic): Promise<() => Promise<void>>;
  /** Breaks every connection and refuses new ones, until it is mended. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Bytes that the peer's answers had, so far. */
  bytes(): number;
}

/** Proxies between the parts of one mesh. */
export class Network {
  readonly #toxiproxy: Toxiproxy | undefined;
  readonly #wires = new Map<WireName, Lane[]>();
  /** How the processes, and Kafka's clients, are led through the proxies. */
  readonly reroute: NonNullable<StackOverrides['reroute']> = {};
  readonly advertised: Partial<Record<KafkaListener, number>> = {};
  /** Where clients find the edge: its ports, or those of proxies. */
  edge: { plain: number; tls: number };

  private constructor(toxiproxy: Toxiproxy | undefined, ports: Ports) {
    this.#toxiproxy = toxiproxy;
    this.edge = { plain: ports.edgePlain, tls: ports.edgeTls };
  }

  /** Puts proxies on the wires of those names, before anything runs; none needs no toxiproxy. */
  static async create(names: readonly WireName[], ports: Ports, instances: Instances): Promise<Network> {
    const toxiproxy = names.length > 0 ? await Toxiproxy.start() : undefined;
    const network = new Network(toxiproxy, ports);
    for (const name of names) await network.#lay(name, ports, instances);
    return network;
  }

  /** Throws when there is no proxy on it. */
  wire(name: WireName): Wire {
    const lanes = this.#wires.get(name);
    const toxiproxy = this.#toxiproxy;
    if (!lanes || !toxiproxy) throw new Error(`there is no proxy on ${name}`);
    const each = <T>(work: (proxy: string) => Promise<T>): Promise<T[]> =>
      Promise.all(lanes.map(({ proxy }) => work(proxy)));
    return {
      async poison(toxic) {
        const removals = await each((proxy) => toxiproxy.addToxic(proxy, toxic));
        return async () => void (await Promise.all(removals.map((remove) => remove())));
      },
      cut: async () => void (await each((proxy) => toxiproxy.enable(proxy, false))),
      mend: async () => void (await each((proxy) => toxiproxy.enable(proxy, true))),
      bytes: () => lanes.reduce((sum, { counter }) => sum + counter.answered(), 0),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#wires.values()].flat().map(({ counter }) => counter.stop()));
    await this.#toxiproxy?.stop();
  }

  killNow(): void {
    this.#toxiproxy?.killNow();
  }

  async #lay(name: WireName, ports: Ports, instances: Instances): Promise<void> {
    if (name === 'clients-edge') {
      this.edge = { plain: await this.#proxy(name, ports.edgePlain), tls: await this.#proxy(name, ports.edgeTls) };
      return;
    }
    const [process, peer] = name.split('-') as [MeshName, Peer];
    if (peer === 'kafka') {
      const client = process === 'relay' ? 'MESSAGING' : process.toUpperCase();
      for (const [listener, port] of Object.entries(kafkaPorts(ports, instances))) {
        if (port !== undefined && listener.replace(/_\d+$/, '') === client)
          this.advertised[listener as KafkaListener] = await this.#proxy(name, port);
      }
      return;
    }
    for (const address of addressesBehind(process, peer, ports, instances)) {
      const port = await this.#proxy(name, Number(address.split(':')[1]));
      const routes = this.reroute[process] ?? {};
      this.reroute[process] = { ...routes, [address]: `127.0.0.1:${port}` };
    }
  }

  async #proxy(wire: WireName, port: number): Promise<number> {
    if (!this.#toxiproxy) throw new Error('toxiproxy does not run');
    const lanes = this.#wires.get(wire) ?? [];
    this.#wires.set(wire, lanes);
    const proxy = `${wire}-${lanes.length + 1}`;
    const counter = await startTcpProxy({ host: '127.0.0.1', port: await this.#toxiproxy.createProxy(proxy, port) });
    lanes.push({ proxy, counter });
    return counter.port;
  }
}

function addressesBehind(
  process: MeshName,
  peer: Exclude<Peer, 'kafka'>,
  ports: Ports,
  instances: Instances,
): string[] {
  const behind = PEERS[peer];
  if ('engine' in behind) return [`127.0.0.1:${ports[behind.engine]}`];
  // The gateway speaks to the public listener of a service, services to the internal one.
  return addressesOf({ ports, instances }, behind.service, process === 'gateway' ? behind.grpc : behind.internal);
}
