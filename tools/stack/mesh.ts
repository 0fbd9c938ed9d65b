import { join } from 'node:path';
import { databaseUrl } from './engines/postgres.ts';
import { valkeyUrl } from './engines/valkey.ts';
import type { KafkaListener } from './kafka-listeners.ts';
import type { PortName, Ports } from './ports.ts';
import type { Secrets } from './secrets.ts';

export const meshNames = ['auth', 'profile', 'messaging', 'relay', 'delivery', 'gateway'] as const;
export type MeshName = (typeof meshNames)[number];

/** A row of the table. */
export interface MeshProcess {
  name: MeshName;
  /** The entry file, relative to the repository. */
  entry: string;
  /** Run to its end before the process, when the file is there. */
  migration?: string;
  opsPort: number;
  env: Record<string, string>;
}

export interface MeshContext {
  ports: Ports;
  secrets: Secrets;
  /** `host:port` of Kafka for the process of that listener. */
  kafka: (listener: KafkaListener) => string;
  /** Origins whose pages may open a WebSocket. */
  origins: readonly string[];
  /** The folder of the bundled page. */
  webRoot: string;
  /** Where services keep small files of their own. */
  filesFolder: string;
  logLevel: string;
}

/** The processes of the mesh in the order of their start, each group when the one before it is ready. */
export const startGroups: readonly (readonly MeshName[])[] = [
  ['auth', 'profile', 'messaging'],
  ['relay', 'delivery'],
  ['gateway'],
];

/** The one table of what runs, from which file, and with which environment. */
export function meshTable(context: MeshContext): Record<MeshName, MeshProcess> {
  const { ports, secrets, kafka } = context;
  const at = (port: PortName) => `127.0.0.1:${ports[port]}`;
  const database = (name: 'auth' | 'profile' | 'messaging' | 'delivery') =>
    databaseUrl({ port: ports.postgres, passwords: secrets.postgres }, name);
  const common = (name: MeshName, ops: PortName) => ({
    REALCHAT_MODE: 'development',
    LOG_LEVEL: context.logLevel,
    INSTANCE_ID: `${name}-1`,
    OPS_LISTEN: at(ops),
  });
  const tokens = (name: MeshName) => ({
    JWKS_URL: `http://${at('authJwks')}/.well-known/jwks.json`,
    JWKS_CACHE_FILE: join(context.filesFolder, `${name}-jwks.json`),
    TOKEN_ISSUER: 'https://auth.realchat.local',
    TOKEN_AUDIENCE: 'realchat',
  });
  const redis = { REDIS_URL: valkeyUrl({ port: ports.valkey, password: secrets.valkey }) };
  const internal = { AUTH_INTERNAL: at('authInternal'), MESSAGING_INTERNAL: at('messagingInternal') };

  return {
    auth: {
      name: 'auth',
      entry: 'services/auth/main.ts',
      migration: 'services/auth/db/migrate-main.ts',
      opsPort: ports.authOps,
      env: {
        ...common('auth', 'authOps'),
        ...tokens('auth'),
        ...redis,
        GRPC_LISTEN: at('authGrpc'),
        INTERNAL_LISTEN: at('authInternal'),
        JWKS_LISTEN: at('authJwks'),
        DATABASE_URL: database('auth'),
        KAFKA_BROKERS: kafka('AUTH'),
        SIGNING_KEY_SECRET: secrets.signingKey,
      },
    },
    profile: {
      name: 'profile',
      entry: 'services/profile/main.ts',
      migration: 'services/profile/db/migrate-main.ts',
      opsPort: ports.profileOps,
      env: {
        ...common('profile', 'profileOps'),
        ...tokens('profile'),
        ...redis,
        ...internal,
        GRPC_LISTEN: at('profileGrpc'),
        DATABASE_URL: database('profile'),
        KAFKA_BROKERS: kafka('PROFILE'),
      },
    },
    messaging: {
      name: 'messaging',
      entry: 'services/messaging/main.ts',
      migration: 'services/messaging/db/migrate-main.ts',
      opsPort: ports.messagingOps,
      env: {
        ...common('messaging', 'messagingOps'),
        ...tokens('messaging'),
        ...redis,
        GRPC_LISTEN: at('messagingGrpc'),
        INTERNAL_LISTEN: at('messagingInternal'),
        AUTH_INTERNAL: at('authInternal'),
        DATABASE_URL: database('messaging'),
      },
    },
    relay: {
      name: 'relay',
      entry: 'services/messaging/relay-main.ts',
      opsPort: ports.relayOps,
      env: {
        ...common('relay', 'relayOps'),
        DATABASE_URL: database('messaging'),
        KAFKA_BROKERS: kafka('MESSAGING'),
      },
    },
    delivery: {
      name: 'delivery',
      entry: 'services/delivery/main.ts',
      opsPort: ports.deliveryOps,
      env: {
        ...common('delivery', 'deliveryOps'),
        ...tokens('delivery'),
        ...redis,
        ...internal,
        GRPC_LISTEN: at('deliveryGrpc'),
        KAFKA_BROKERS: kafka('DELIVERY'),
        CURSOR_SECRET: secrets.cursor,
      },
    },
    gateway: {
      name: 'gateway',
      entry: 'edge/gateway/main.ts',
      opsPort: ports.gatewayOps,
      env: {
        ...common('gateway', 'gatewayOps'),
        ...tokens('gateway'),
        ...redis,
        HTTP_LISTEN: at('gatewayHttp'),
        H2C_LISTEN: at('gatewayH2c'),
        AUTH_ADDRESS: at('authGrpc'),
        PROFILE_ADDRESS: at('profileGrpc'),
        MESSAGING_ADDRESS: at('messagingGrpc'),
        DELIVERY_ADDRESS: at('deliveryGrpc'),
        ALLOWED_ORIGINS: context.origins.join(','),
        WEB_ROOT: context.webRoot,
        // Envoy.
        TRUSTED_HOPS: '1',
      },
    },
  };
}
