import { join } from 'node:path';
import { databaseUrl } from './engines/postgres.ts';
import { valkeyUrl } from './engines/valkey.ts';
import { type InstanceName, type Instances, type MeshName, meshNames, nameOf, numbersOf } from './instances.ts';
import { type KafkaListener, listenerOf } from './kafka-listeners.ts';
import { meshTlsFiles } from './mesh-tls.ts';
import { type PortName, type Ports, portOf } from './ports.ts';
import type { DatabaseName, Secrets } from './secrets.ts';

/** Whoever has an identity in the mesh: all that speak to others of it. The relay speaks to engines alone. */
export const meshMembers = ['auth', 'profile', 'messaging', 'delivery', 'operations', 'gateway', 'envoy'] as const;

/** A row of the table. */
export interface MeshProcess {
  name: InstanceName;
  service: MeshName;
  /** From 1 on. */
  number: number;
  /** The entry file, relative to the repository. */
  entry: string;
  /** Run to its end before the process, when the file is there. */
  migration?: string;
  opsPort: number;
  env: Record<string, string>;
}

export interface MeshContext {
  ports: Ports;
  instances: Instances;
  secrets: Secrets;
  /** `host:port` of every broker for the process of that listener, comma separated. */
  kafka: (listener: KafkaListener) => string;
  /** Origins whose pages may open a WebSocket. */
  origins: readonly string[];
  /** The folder of the bundled page. */
  webRoot: string;
  /** The folder of a process's certificate in the mesh. */
  tlsFolder: (name: (typeof meshMembers)[number]) => string;
  /** Where services keep small files of their own. */
  filesFolder: string;
  logLevel: string;
}

/** For overrides to change. */
const NO_OTHER_LIMITS = '{}';

/** The processes of the mesh in the order of their start, each group when the one before it is ready. */
export const startGroups: readonly (readonly MeshName[])[] = [
  ['auth', 'profile', 'messaging'],
  ['relay', 'delivery', 'operations'],
  ['gateway'],
];

/** Every process of the mesh by name, from the inside outwards. */
export function meshProcesses(context: MeshContext): Map<InstanceName, MeshProcess> {
  const rows = meshNames.flatMap((service) =>
    numbersOf(service, context.instances).map((number) => meshTable(context, number)[service]),
  );
  return new Map(rows.map((row) => [row.name, row]));
}

/** The `host:port` of every instance of a service. */
export function addressesOf(
  { ports, instances }: Pick<MeshContext, 'ports' | 'instances'>,
  service: MeshName,
  port: PortName,
): string[] {
  return numbersOf(service, instances).map((number) => `127.0.0.1:${portOf(ports, port, number)}`);
}

/** The one table of what runs, from which file, and with which environment: the instance of that number of each service. */
export function meshTable(context: MeshContext, number = 1): Record<MeshName, MeshProcess> {
  const { ports, secrets } = context;
  const at = (port: PortName) => `127.0.0.1:${portOf(ports, port, number)}`;
  const every = (service: MeshName, port: PortName) => addressesOf(context, service, port).join(',');
  const kafka = (client: Parameters<typeof listenerOf>[0]) => context.kafka(listenerOf(client, number));
  const database = (name: DatabaseName) => databaseUrl({ port: ports.postgres, passwords: secrets.postgres }, name);
  const own = (service: MeshName) => ({ name: nameOf(service, number), service, number });
  const common = (name: MeshName, ops: PortName) => ({
    REALCHAT_MODE: 'development',
    LOG_LEVEL: context.logLevel,
    INSTANCE_ID: `${name}-${number}`,
    OPS_LISTEN: at(ops),
  });
  const identity = (name: (typeof meshMembers)[number]) => {
    const { certificate, key, authority } = meshTlsFiles(context.tlsFolder(name));
    return { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key, TLS_CA_FILE: authority };
  };
  const keys = addressesOf(context, 'auth', 'authJwks').map((auth) => `https://${auth}/.well-known/jwks.json`);
  const tokens = (name: MeshName) => ({
    JWKS_URL: keys.join(','),
    JWKS_CACHE_FILE: join(context.filesFolder, `${nameOf(name, number)}-jwks.json`),
    TOKEN_ISSUER: 'https://auth.realchat.local',
    TOKEN_AUDIENCE: 'realchat',
  });
  const redis = { REDIS_URL: valkeyUrl({ port: ports.valkey, password: secrets.valkey }) };
  const internal = {
    AUTH_INTERNAL: every('auth', 'authInternal'),
    MESSAGING_INTERNAL: every('messaging', 'messagingInternal'),
    DELIVERY_INTERNAL: every('delivery', 'deliveryInternal'),
  };

  return {
    auth: {
      ...own('auth'),
      entry: 'services/auth/main.ts',
      migration: 'services/auth/db/migrate-main.ts',
      opsPort: portOf(ports, 'authOps', number),
      env: {
        ...common('auth', 'authOps'),
        ...identity('auth'),
        ...tokens('auth'),
        ...redis,
        GRPC_LISTEN: at('authGrpc'),
        INTERNAL_LISTEN: at('authInternal'),
        JWKS_LISTEN: at('authJwks'),
        RATE_LIMITS: NO_OTHER_LIMITS,
        DATABASE_URL: database('auth'),
        KAFKA_BROKERS: kafka('AUTH'),
        SIGNING_KEY_SECRET: secrets.signingKey,
      },
    },
    profile: {
      ...own('profile'),
      entry: 'services/profile/main.ts',
      migration: 'services/profile/db/migrate-main.ts',
      opsPort: portOf(ports, 'profileOps', number),
      env: {
        ...common('profile', 'profileOps'),
        ...identity('profile'),
        ...tokens('profile'),
        ...redis,
        AUTH_INTERNAL: internal.AUTH_INTERNAL,
        MESSAGING_INTERNAL: internal.MESSAGING_INTERNAL,
        GRPC_LISTEN: at('profileGrpc'),
        DATABASE_URL: database('profile'),
        KAFKA_BROKERS: kafka('PROFILE'),
      },
    },
    messaging: {
      ...own('messaging'),
      entry: 'services/messaging/main.ts',
      migration: 'services/messaging/db/migrate-main.ts',
      opsPort: portOf(ports, 'messagingOps', number),
      env: {
        ...common('messaging', 'messagingOps'),
        ...identity('messaging'),
        ...tokens('messaging'),
        ...redis,
        GRPC_LISTEN: at('messagingGrpc'),
        INTERNAL_LISTEN: at('messagingInternal'),
        AUTH_INTERNAL: internal.AUTH_INTERNAL,
        DATABASE_URL: database('messaging'),
      },
    },
    relay: {
      ...own('relay'),
      entry: 'services/messaging/relay-main.ts',
      opsPort: portOf(ports, 'relayOps', number),
      env: {
        ...common('relay', 'relayOps'),
        DATABASE_URL: database('messaging'),
        KAFKA_BROKERS: kafka('MESSAGING'),
      },
    },
    delivery: {
      ...own('delivery'),
      entry: 'services/delivery/main.ts',
      migration: 'services/delivery/db/migrate-main.ts',
      opsPort: portOf(ports, 'deliveryOps', number),
      env: {
        ...common('delivery', 'deliveryOps'),
        ...identity('delivery'),
        ...tokens('delivery'),
        ...redis,
        AUTH_INTERNAL: internal.AUTH_INTERNAL,
        MESSAGING_INTERNAL: internal.MESSAGING_INTERNAL,
        GRPC_LISTEN: at('deliveryGrpc'),
        INTERNAL_LISTEN: at('deliveryInternal'),
        DATABASE_URL: database('delivery'),
        KAFKA_BROKERS: kafka('DELIVERY'),
        CURSOR_SECRET: secrets.cursor,
      },
    },
    operations: {
      ...own('operations'),
      entry: 'services/operations/main.ts',
      migration: 'services/operations/db/migrate-main.ts',
      opsPort: portOf(ports, 'operationsOps', number),
      env: {
        ...common('operations', 'operationsOps'),
        ...identity('operations'),
        ...tokens('operations'),
        ...redis,
        GRPC_LISTEN: at('operationsGrpc'),
        MESSAGING_INTERNAL: internal.MESSAGING_INTERNAL,
        DELIVERY_INTERNAL: internal.DELIVERY_INTERNAL,
        DATABASE_URL: database('operations'),
        KAFKA_BROKERS: kafka('OPERATIONS'),
      },
    },
    gateway: {
      ...own('gateway'),
      entry: 'edge/gateway/main.ts',
      opsPort: portOf(ports, 'gatewayOps', number),
      env: {
        ...common('gateway', 'gatewayOps'),
        ...identity('gateway'),
        ...tokens('gateway'),
        ...redis,
        HTTP_LISTEN: at('gatewayHttp'),
        H2C_LISTEN: at('gatewayH2c'),
        RATE_LIMIT_LISTEN: at('gatewayRateLimit'),
        RATE_LIMITS: NO_OTHER_LIMITS,
        AUTH_ADDRESS: every('auth', 'authGrpc'),
        PROFILE_ADDRESS: every('profile', 'profileGrpc'),
        MESSAGING_ADDRESS: every('messaging', 'messagingGrpc'),
        DELIVERY_ADDRESS: every('delivery', 'deliveryGrpc'),
        OPERATIONS_ADDRESS: every('operations', 'operationsGrpc'),
        ALLOWED_ORIGINS: context.origins.join(','),
        WEB_ROOT: context.webRoot,
        // Envoy.
        TRUSTED_HOPS: '1',
      },
    },
  };
}
