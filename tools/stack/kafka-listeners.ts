import { type Instances, type MeshName, numbersOf } from './instances.ts';
import { type PortName, type Ports, portOf } from './ports.ts';

const CLIENTS = {
  AUTH: { service: 'auth', port: 'kafkaAuth' },
  PROFILE: { service: 'profile', port: 'kafkaProfile' },
  MESSAGING: { service: 'relay', port: 'kafkaMessaging' },
  OPERATIONS: { service: 'operations', port: 'kafkaOperations' },
  DELIVERY: { service: 'delivery', port: 'kafkaDelivery' },
} as const satisfies Record<string, { service: MeshName; port: PortName }>;

type Client = keyof typeof CLIENTS;

/**
 * One listener of Kafka per client process, so that a test can put a proxy before one client and cut off that one alone.
 * MESSAGING is the relay's; that of a second relay is MESSAGING_2; ADMIN is the launcher's and the broker's own.
 */
export type KafkaListener = 'ADMIN' | Client | `${Client}_${number}`;

/** The listener of the service's instance of that number. */
export function listenerOf(client: Client, number: number): KafkaListener {
  return number === 1 ? client : `${client}_${number}`;
}

/** The port of each listener. */
export type KafkaPorts = Readonly<{ ADMIN: number } & Partial<Record<KafkaListener, number>>>;

/** Every listener of a stack with so many instances. */
export function kafkaPorts(ports: Ports, instances: Instances): KafkaPorts {
  const ofClients = Object.entries(CLIENTS).flatMap(([client, { service, port }]) =>
    numbersOf(service, instances).map((number) => [listenerOf(client as Client, number), portOf(ports, port, number)]),
  );
  return { ADMIN: ports.kafkaAdmin, ...Object.fromEntries(ofClients) };
}
