import { randomBytes, randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { parseConfig } from '@realchat/config';
import { createPool, type Pool } from '@realchat/db';
import { ACCOUNT_EVENTS, type EventLog, type Producer } from '@realchat/eventlog';
import { type AccountEvent, AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { ProfileService as ProfileContract } from '@realchat/gen/realchat/profile/v1/profile_service';
import { createTestDatabase, createTestEventLog, recordedTelemetry, redisUrl, until } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { profileSettings } from '../config.ts';
import { migrations } from '../db/migrations/index.ts';
import { createProfileService, type ProfileService } from '../service.ts';

/** An account whose registration can be published. */
export interface Account {
  userId: string;
  username: string;
  createTimeMs: number;
}

/** A running profile service, and what stands in for auth: tokens, keys, and account events. */
export interface ProfileFixture {
  service: ProfileService;
  /** With a valid token. */
  profiles: TestClient<typeof ProfileContract>;
  /** With this token, or none. */
  as(token: string | undefined): TestClient<typeof ProfileContract>;
  sign: Awaited<ReturnType<typeof startIssuer>>['sign'];
  /** Appends events of accounts, as auth's relay does; a value that is bytes goes as it is. */
  publish(key: string, ...events: (Partial<AccountEvent> | Uint8Array)[]): Promise<void>;
  eventLog: EventLog;
  db: Pool;
  lines: Record<string, unknown>[];
  /** The value of a counter. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

export function someAccount(): Account {
  return { userId: randomUUID(), username: `p${randomBytes(8).toString('hex')}`, createTimeMs: Date.now() };
}

/** The event of an account's registration. */
export function registration(account: Account, position = 1n): Partial<AccountEvent> {
  return {
    userId: account.userId,
    position,
    createTime: timestampFromMs(account.createTimeMs),
    change: {
      case: 'registered',
      value: { $typeName: 'realchat.auth.v1.AccountRegistered', username: account.username },
    },
  };
}

/** Starts profile on a fresh database. The broker is the file's own: on a shared one, two files would share the group. */
export async function startProfile(broker: string, env: Record<string, string> = {}): Promise<ProfileFixture> {
  const eventLog = await createTestEventLog(broker);
  const producer = eventLog.producer();
  const issuer = await startIssuer();
  const databaseUrl = env['DATABASE_URL'] ?? (await createTestDatabase(migrations));
  const config = parseConfig(profileSettings, {
    GRPC_LISTEN: '127.0.0.1:0',
    OPS_LISTEN: '127.0.0.1:0',
    JWKS_URL: issuer.url,
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
    KAFKA_BROKERS: broker,
    REDIS_URL: redisUrl(),
    INSTANCE_ID: `profile-${randomBytes(4).toString('hex')}`,
    ...env,
    DATABASE_URL: databaseUrl,
  });
  const telemetry = recordedTelemetry();
  const service = createProfileService(config, telemetry);
  await service.start();
  const as = (token: string | undefined) => createTestClient(ProfileContract, service.ports.grpc, token);
  const db = createPool({ url: env['DATABASE_URL_BESIDE'] ?? databaseUrl, size: 2, name: 'test', log: telemetry.log });
  const ready = `http://127.0.0.1:${service.ports.ops}/readyz`;
  if (!env['DATABASE_URL']) await until('profile is ready', async () => (await fetch(ready)).ok, 30_000);
  return {
    service,
    eventLog,
    db,
    as,
    sign: (overrides, header) => issuer.sign(overrides, header),
    lines: telemetry.lines,
    profiles: as(await issuer.sign()),
    publish: (key, ...events) => publish(producer, key, events),
    async metric(name, labels = {}) {
      const found = (await telemetry.metrics.getSingleMetric(name)?.get())?.values ?? [];
      const matches = found.filter((each) =>
        Object.entries(labels).every(([label, value]) => each.labels[label] === value),
      );
      return matches.reduce((sum, { value }) => sum + value, 0);
    },
    async stop() {
      await service.stop();
      await Promise.all([eventLog.stop(), issuer.stop(), db.end()]);
    },
  };
}

async function publish(producer: Producer, key: string, events: (Partial<AccountEvent> | Uint8Array)[]): Promise<void> {
  const records = events.map((event) => ({
    topic: ACCOUNT_EVENTS.name,
    partition: 0,
    key,
    value:
      event instanceof Uint8Array ? event : toBinary(AccountEventSchema, create(AccountEventSchema, event as object)),
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  }));
  await producer.send(records);
}
