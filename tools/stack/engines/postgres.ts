import { existsSync } from 'node:fs';
import { appendFile, chown, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { machineEnvironment } from '../machine-environment.ts';
import { commandLineOf } from '../process-identity.ts';
import type { EngineUser, ProcessSpec } from '../process-spec.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import type { DatabaseName, Secrets } from '../secrets.ts';
import { unprivilegedUser } from './engine-user.ts';
import { hostBasedAccess, SUPERUSER, serverSettings } from './postgres-config.ts';
import { ensurePostgresFolder, postgresDistribution, writeAs } from './postgres-files.ts';

export interface PostgresOptions {
  folder: string;
  port: number;
  passwords: Secrets['postgres'];
  /** Lines of postgresql.conf besides ours, such as `{ log_statement: 'ddl' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Of the server, besides the machine's. */
  env?: Readonly<Record<string, string>>;
  /** There is a standby, which may follow. */
  standby?: unknown;
}

/** Makes the cluster at the first start and writes its configuration; answers how to run it. */
export async function preparePostgres(options: PostgresOptions, progress: Progress): Promise<ProcessSpec> {
  const user = await ownerOf(options.folder, await unprivilegedUser());
  const distribution = await postgresDistribution(user, progress);
  const folder = await ensurePostgresFolder(options.folder, user);
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  if (!existsSync(data)) {
    await progress.step('making the Postgres cluster', () =>
      initialise({ distribution, folder, data, user, password: options.passwords.superuser }),
    );
  }
  await writeAs(user, join(data, 'realchat.conf'), serverSettings(options.port, options.settings));
  await writeAs(user, join(data, 'pg_hba.conf'), hostBasedAccess(options.standby !== undefined));
  return {
    name: 'postgres',
    command: join(distribution, 'bin', 'postgres'),
    args: ['-D', data],
    env: { ...machineEnvironment(), ...options.env },
    cwd: folder,
    ...(user && { user }),
    ready: () => answers(databaseUrl(options, 'superuser')),
    readyTimeoutMs: 60_000,
    // Fast shutdown: SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    graceMs: 20_000,
    beforeStart: () => discardStalePid(data),
  };
}

/** The address of a service's database as its own role, or of the cluster as its superuser. */
export function databaseUrl(
  options: Pick<PostgresOptions, 'port' | 'passwords'>,
  as: DatabaseName | 'superuser',
): string {
  const [role, database] = as === 'superuser' ? [SUPERUSER, 'postgres'] : [as, as];
  return `postgres://${role}:${options.passwords[as]}@127.0.0.1:${options.port}/${database}`;
}

/** As root, a cluster that is there already is run by whoever owns it: Postgres insists. */
async function ownerOf(folder: string, user: EngineUser | undefined): Promise<EngineUser | undefined> {
  if (!user) return undefined;
  const data = await stat(join(folder, 'data')).catch(() => undefined);
  return data ? { name: `user ${data.uid}`, uid: data.uid, gid: data.gid } : user;
}

interface Initialisation {
  distribution: string;
  folder: string;
  data: string;
  user: EngineUser | undefined;
  password: string;
}

/** Under another name first, so that one cut off half way is never taken for a cluster. */
async function initialise({ distribution, folder, data, user, password }: Initialisation): Promise<void> {
  const draft = join(folder, 'data.partial');
  const passwordFile = join(folder, 'password');
  await rm(draft, { recursive: true, force: true });
  await writeAs(user, passwordFile, `${password}\n`);
  try {
    const access = ['--username', SUPERUSER, '--auth', 'scram-sha-256', '--pwfile', passwordFile];
    const text = ['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'];
    await runCommand(join(distribution, 'bin', 'initdb'), ['--pgdata', draft, ...access, ...text], {
      env: machineEnvironment(),
      cwd: folder,
      ...(user && { user }),
    });
    await appendFile(join(draft, 'postgresql.conf'), "include 'realchat.conf'\n");
    await rename(draft, data);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * After a kill -9 the number in postmaster.pid may belong to a stranger by now, and Postgres would refuse to start. It is
 * removed unless the process of that number is a Postgres of this very cluster.
 */
export async function discardStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (commandLineOf(pid).includes(data)) throw new Error(`process ${pid} is still a Postgres on ${data}`);
  await rm(file, { force: true });
}

/** Whether a server answers a query. */
export async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    // Not waited for: with a server that dies meanwhile it may never come to an end, and this look has to.
    client.end().catch(() => undefined);
  }
}
