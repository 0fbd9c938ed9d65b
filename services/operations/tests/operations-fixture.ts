import { randomBytes, randomUUID } from 'node:crypto';
import { parseConfig } from '@realchat/config';
import { createPool, type Pool } from '@realchat/db';
import type { EventLog } from '@realchat/eventlog';
import { DeadLetterService } from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { createTestDatabase, createTestEventLog, recordedTelemetry, redisUrl, until } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { operationsSettings } from '../config.ts';
import { migrations } from '../db/migrations/index.ts';
import { grantOperator } from '../db/operators.ts';
import { createOperationsService, type OperationsService } from '../service.ts';

/** A running operations service, and what stands in for auth. */
export interface OperationsFixture {
  service: OperationsService;
  /** Of an operator. */
  letters: TestClient<typeof DeadLetterService>;
  operatorId: string;
  /** With this token, or none. */
  as(token: string | undefined): TestClient<typeof DeadLetterService>;
  /** A token of a user. */
  tokenOf(userId: string): Promise<string>;
  eventLog: EventLog;
  db: Pool;
  lines: Record<string, unknown>[];
  /** The sum of a metric's values with these labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** Starts operations on a fresh database. The broker is the file's own: on a shared one, two files would share the groups. */
export async function startOperations(broker: string, env: Record<string, string> = {}): Promise<OperationsFixture> {
  const eventLog = await createTestEventLog(broker);
  const issuer = await startIssuer();
  const databaseUrl = env['DATABASE_URL'] ?? (await createTestDatabase(migrations));
  const config = parseConfig(operationsSettings, {
    GRPC_LISTEN: '127.0.0.1:0',
    OPS_LISTEN: '127.0.0.1:0',
    JWKS_URL: issuer.url,
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
    KAFKA_BROKERS: broker,
    // Nobody is asked unless a test says so.
    MESSAGING_INTERNAL: '127.0.0.1:9',
    DELIVERY_INTERNAL: '127.0.0.1:9',
    REDIS_URL: redisUrl(),
    INSTANCE_ID: `operations-${randomBytes(4).toString('hex')}`,
    DATABASE_URL: databaseUrl,
    ...env,
  });
  const telemetry = recordedTelemetry();
  const service = createOperationsService(config, telemetry);
  await service.start();
  const db = createPool({ url: databaseUrl, size: 2, name: 'test', log: telemetry.log });
  const as = (token: string | undefined) => createTestClient(DeadLetterService, service.ports.grpc, token);
  const tokenOf = (userId: string) => issuer.sign({ sub: userId });
  const operatorId = randomUUID();
  await grantOperator(db, operatorId, 'a test');
  const ready = `http://127.0.0.1:${service.ports.ops}/readyz`;
  await until('operations is ready', async () => (await fetch(ready)).ok, 30_000);
  return {
    service,
    eventLog,
    db,
    as,
    tokenOf,
    operatorId,
    lines: telemetry.lines,
    letters: as(await tokenOf(operatorId)),
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
