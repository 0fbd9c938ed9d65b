import { randomBytes } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { parseConfig } from '@realchat/config';
import { createPool, type Pool } from '@realchat/db';
import { AccountEventSchema, type SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { createGrpcClient, type GrpcClient } from '@realchat/rpc';
import { createTestDatabase, kafkaBrokers, recordedTelemetry, redisUrl } from '@realchat/testkit';
import { authSettings } from '../config.ts';
import { migrations } from '../db/migrations/index.ts';
import { type AuthParts, type AuthService, createAuthService } from '../service.ts';

/** A password that every rule accepts. */
export const PASSWORD = 'seven quiet otters drum';

/** The SIGNING_KEY_SECRET of the fixture. */
export const SECRET = 'only for tests: 0123456789abcdef';

/** A running auth service on free ports, and ways to look at it from outside and from beneath. */
export interface AuthFixture {
  service: AuthService;
  auth: GrpcClient<(typeof AuthContract)['method']>;
  accounts: GrpcClient<(typeof AccountService)['method']>;
  /** Clients of each service at the other's port. */
  swappedClients(): Pick<AuthFixture, 'auth' | 'accounts'>;
  jwksUrl: string;
  databaseUrl: string;
  db: Pool;
  /** Why the session ended, as often as the log says so. */
  sessionEndings(sessionId: string): Promise<SessionEndReason[]>;
  /** Every line that it logged. */
  lines: Record<string, unknown>[];
  /** The value of a counter or gauge. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** A username that no other test has. */
export function someUsername(): string {
  return `u${randomBytes(8).toString('hex')}`;
}

/** Starts auth on a database (a fresh one, unless given) and the shared Kafka broker. */
export async function startAuth(env: Record<string, string> = {}, parts: AuthParts = {}): Promise<AuthFixture> {
  const databaseUrl = env['DATABASE_URL'] ?? (await createTestDatabase(migrations));
  const listen = '127.0.0.1:0';
  const config = parseConfig(authSettings, {
    GRPC_LISTEN: listen,
    INTERNAL_LISTEN: listen,
    JWKS_LISTEN: listen,
    OPS_LISTEN: listen,
    INSTANCE_ID: `auth-${randomBytes(4).toString('hex')}`,
    KAFKA_BROKERS: kafkaBrokers(),
    REDIS_URL: redisUrl(),
    SIGNING_KEY_SECRET: SECRET,
    ...env,
    DATABASE_URL: databaseUrl,
  });
  const telemetry = recordedTelemetry();
  const service = createAuthService(config, telemetry, parts);
  await service.start();
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const clients = (authPort: number, accountsPort: number) => ({
    auth: createGrpcClient(AuthContract, [at(authPort)], { identity: undefined, deadlineMs: 20_000 }),
    accounts: createGrpcClient(AccountService, [at(accountsPort)], { identity: undefined, deadlineMs: 20_000 }),
  });
  const { grpc, internal } = service.ports;
  const { auth, accounts } = clients(grpc, internal);
  const db = createPool({ url: env['DATABASE_URL_BESIDE'] ?? databaseUrl, size: 2, name: 'test', log: telemetry.log });
  return {
    service,
    auth,
    accounts,
    databaseUrl,
    db,
    lines: telemetry.lines,
    swappedClients: () => clients(internal, grpc),
    jwksUrl: `http://127.0.0.1:${service.ports.jwks}/.well-known/jwks.json`,
    async sessionEndings(sessionId) {
      const { rows } = await db.query<{ body: Buffer }>(
        `select body from account_event where type = 'sessionEnded' order by shard, position`,
      );
      return rows
        .map((row) => fromBinary(AccountEventSchema, row.body).change)
        .flatMap((change) =>
          change.case === 'sessionEnded' && change.value.sessionId === sessionId ? [change.value.reason] : [],
        );
    },
    async metric(name, labels = {}) {
      const found = (await telemetry.metrics.getSingleMetric(name)?.get())?.values ?? [];
      const matches = found.filter((each) =>
        Object.entries(labels).every(([key, value]) => each.labels[key] === value),
      );
      return matches.reduce((sum, { value }) => sum + value, 0);
    },
    async stop() {
      auth.close();
      accounts.close();
      await service.stop();
      await db.end();
    },
  };
}
