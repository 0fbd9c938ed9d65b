import { createServer } from 'node:net';
import { type Instances, type MeshName, meshNames, numbersOf } from './instances.ts';
import { Problem } from './problem.ts';

/** Every port of the stack with the number it has in development when nobody else took it. */
export const defaultPorts = {
  edgePlain: 8080,
  edgeTls: 8443,
  edgeAdmin: 9901,
  authGrpc: 7101,
  authInternal: 7111,
  authOps: 7121,
  authJwks: 7131,
  profileGrpc: 7201,
  profileOps: 7221,
  messagingGrpc: 7301,
  messagingInternal: 7311,
  messagingOps: 7321,
  relayOps: 7331,
  deliveryGrpc: 7401,
  deliveryInternal: 7411,
  deliveryOps: 7421,
  gatewayHttp: 7501,
  gatewayH2c: 7502,
  gatewayRateLimit: 7511,
  gatewayOps: 7521,
  operationsGrpc: 7601,
  operationsOps: 7621,
  postgres: 15432,
  valkey: 16379,
  kafkaController: 19091,
  kafkaAdmin: 19092,
  kafkaAuth: 19093,
  kafkaProfile: 19094,
  kafkaMessaging: 19095,
  kafkaDelivery: 19096,
  kafkaOperations: 19097,
} as const;

export type PortName = keyof typeof defaultPorts;
/** That of the second instance of a service is `messagingGrpc@2`. */
export type InstancePortName = PortName | `${PortName}@${number}`;
export type Ports = Record<PortName, number> & { [name: `${string}@${number}`]: number };
export const portNames = Object.keys(defaultPorts) as PortName[];

/** From the ports of one instance to those of the next: 7301, 8301, 9301. */
const NEXT_INSTANCE = 1000;
const KAFKA_CLIENTS: Partial<Record<PortName, MeshName>> = {
  kafkaAuth: 'auth',
  kafkaProfile: 'profile',
  kafkaMessaging: 'relay',
  kafkaDelivery: 'delivery',
  kafkaOperations: 'operations',
};

/** The port of that name of the service's instance of that number. */
export function portOf(ports: Ports, name: PortName, number: number): number {
  const port = number === 1 ? ports[name] : ports[`${name}@${number}`];
  if (port === undefined) throw new Error(`there is no port ${name} of instance ${number}`);
  return port;
}

/** Every port of a stack with so many instances, with its number in development when nobody else took it. */
export function wantedPorts(instances: Instances): Map<InstancePortName, number> {
  const wanted = new Map<InstancePortName, number>(Object.entries(defaultPorts) as [PortName, number][]);
  for (const name of portNames) {
    const owner = KAFKA_CLIENTS[name] ?? meshNames.find((service) => name.startsWith(service));
    if (!owner) continue;
    for (const number of numbersOf(owner, instances).slice(1)) {
      wanted.set(`${name}@${number}`, defaultPorts[name] + NEXT_INSTANCE * (number - 1));
    }
  }
  return wanted;
}

/** A port that someone else has, and the one that is used instead. */
export interface MovedPort {
  name: InstancePortName;
  from: number;
  to: number;
}

/** Whether the part of that name can listen on the port. */
export type IsFree = (port: number, name: InstancePortName) => Promise<boolean>;

const TRIES = 200;

/** The default ports; a taken one moves to the next that is free and that no other name has. */
export async function nextFreePorts(
  isFree: IsFree,
  instances: Instances = {},
): Promise<{ ports: Ports; moved: MovedPort[] }> {
  const wanted = wantedPorts(instances);
  const ports: Record<string, number> = {};
  const moved: MovedPort[] = [];
  const spoken = new Set(wanted.values());
  for (const [name, from] of wanted) {
    let to = from;
    while (!((to === from || !spoken.has(to)) && (await isFree(to, name)))) {
      if (++to > from + TRIES) {
        throw new Problem(`no free port for ${name} from ${from} on`, 'end the programs that hold these ports');
      }
    }
    spoken.add(to);
    ports[name] = to;
    if (to !== from) moved.push({ name, from, to });
  }
  return { ports: ports as Ports, moved };
}

/** Asks the system, by listening for a moment at each address. One that the machine does not have counts as free. */
export async function isFreeAt(hosts: readonly string[], port: number): Promise<boolean> {
  for (const host of hosts) if (!(await canListen(host, port))) return false;
  return true;
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
