import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareKafka } from '../../tools/stack/engines/kafka.ts';
import { databaseUrl, preparePostgres } from '../../tools/stack/engines/postgres.ts';
import { removePostgresFolder } from '../../tools/stack/engines/postgres-files.ts';
import { prepareValkey, valkeyUrl } from '../../tools/stack/engines/valkey.ts';
import { ManagedProcess } from '../../tools/stack/managed-process.ts';
import { privatePorts } from '../../tools/stack/private-ports.ts';
import type { ProcessSpec } from '../../tools/stack/process-spec.ts';
import { silentProgress } from '../../tools/stack/progress.ts';

/** An engine of a test's own: the same as that of `npm start`, on free ports, with its data in a temporary folder. */
export interface TestEngine {
  /** To kill it, pause it, or take it down for a while. It is started again by itself when it dies. */
  process: ManagedProcess;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** A Postgres of its own. */
export interface TestPostgres extends TestEngine {
  /** As superuser, to the database `postgres`. */
  url: string;
}

/** A Kafka broker of its own, without topics. */
export interface TestKafka extends TestEngine {
  /** `host:port`. */
  broker: string;
}

/** A Valkey of its own. */
export interface TestValkey extends TestEngine {
  /** As REDIS_URL has it. */
  url: string;
}

/** Starts a Postgres in which every role may reach its own databases. About 1.5 s. */
export async function startPostgres(): Promise<TestPostgres> {
  const { ports, release } = await privatePorts();
  const folder = await temporaryFolder('postgres');
  const secret = () => randomBytes(16).toString('hex');
  const options = {
    folder: join(folder, 'postgres'),
    port: ports.postgres,
    passwords: {
      superuser: secret(),
      auth: secret(),
      profile: secret(),
      messaging: secret(),
      delivery: secret(),
      operations: secret(),
    },
  };
  const spec = await preparePostgres(options, silentProgress);
  await appendFile(join(options.folder, 'data', 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  const engine = await launch(spec, folder, async () => {
    await removePostgresFolder(options.folder);
    release();
  });
  return { ...engine, url: databaseUrl(options, 'superuser') };
}

/** Starts a Kafka broker. About 3 s when its files are at hand. */
export async function startKafka(): Promise<TestKafka> {
  const { ports, release } = await privatePorts();
  const folder = await temporaryFolder('kafka');
  const spec = await prepareKafka(
    {
      folder: join(folder, 'kafka'),
      controllerPort: ports.kafkaController,
      ports: {
        ADMIN: ports.kafkaAdmin,
        AUTH: ports.kafkaAuth,
        PROFILE: ports.kafkaProfile,
        MESSAGING: ports.kafkaMessaging,
        DELIVERY: ports.kafkaDelivery,
        OPERATIONS: ports.kafkaOperations,
      },
    },
    silentProgress,
  );
  const engine = await launch(spec, folder, () => Promise.resolve(release()));
  return { ...engine, broker: `127.0.0.1:${ports.kafkaAdmin}` };
}

/** Starts a Valkey, which keeps what it was told over a kill. About 0.2 s. */
export async function startValkey(): Promise<TestValkey> {
  const { ports, release } = await privatePorts();
  const folder = await temporaryFolder('valkey');
  const options = {
    folder: join(folder, 'valkey'),
    port: ports.valkey,
    password: randomBytes(16).toString('hex'),
  };
  const spec = await prepareValkey(options, silentProgress);
  const engine = await launch(spec, folder, () => Promise.resolve(release()));
  return { ...engine, url: valkeyUrl(options) };
}

async function launch(spec: ProcessSpec, folder: string, cleanUp: () => Promise<void>): Promise<TestEngine> {
  const runDirectory = join(folder, 'run');
  await mkdir(runDirectory, { recursive: true });
  const managed = new ManagedProcess(spec, { runDirectory, logFile: join(folder, `${spec.name}.log`) });
  const killNow = () => managed.killNow();
  process.once('exit', killNow);
  await managed.start();
  return {
    process: managed,
    async stop() {
      await managed.stop();
      process.off('exit', killNow);
      await cleanUp();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function temporaryFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `realchat-test-${name}-`));
  // Root runs Postgres as another user, who has to pass through.
  await chmod(folder, 0o755);
  return folder;
}
