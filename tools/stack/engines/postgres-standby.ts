import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { ProcessSpec } from '../process-spec.ts';
import { runCommand } from '../run-command.ts';
import { answers, databaseUrl, discardStalePid, type PostgresOptions } from './postgres.ts';
import { SUPERUSER, serverSettings } from './postgres-config.ts';
import { writeAs } from './postgres-files.ts';

/** By this name the primary knows it, and waits for it before each commit is acknowledged. */
const STANDBY = 'standby';
/** What the primary has to keep until its standby has come up. */
export const KEPT_FOR_STANDBY = { wal_keep_size: '256MB' };
const SYNCHRONOUS_WITHIN_MS = 30_000;
const POLL_MS = 100;

/**
 * A standby of a cluster that has been prepared and has not run yet: a copy of its files, which follows it from there on.
 * Answers how to run it.
 */
export async function prepareStandby(
  primary: ProcessSpec,
  options: PostgresOptions & { standby: { port: number } },
): Promise<ProcessSpec> {
  const { cwd: folder, user } = primary;
  const data = join(folder, STANDBY);
  const { port } = options.standby;
  if (!existsSync(data)) {
    const draft = join(folder, `${STANDBY}.partial`);
    await rm(draft, { recursive: true, force: true });
    await runCommand('cp', ['-a', join(folder, 'data'), draft], { cwd: folder, ...(user && { user }) });
    await rename(draft, data);
  }
  const conninfo = {
    host: '127.0.0.1',
    port: options.port,
    user: SUPERUSER,
    password: options.passwords.superuser,
    application_name: STANDBY,
  };
  const primary_conninfo = Object.entries(conninfo)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  await writeAs(user, join(data, 'realchat.conf'), serverSettings(port, { ...options.settings, primary_conninfo }));
  await writeAs(user, join(data, 'standby.signal'), '');
  return {
    ...primary,
    name: `postgres-${STANDBY}`,
    args: ['-D', data],
    ready: () => answers(databaseUrl({ ...options, port }, 'superuser')),
    beforeStart: () => discardStalePid(data),
  };
}

/** From now on the primary acknowledges no commit that its standby does not have on disk. */
export async function makeSynchronous(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`);
    await client.query('SELECT pg_reload_conf()');
    const deadline = performance.now() + SYNCHRONOUS_WITHIN_MS;
    const states = `SELECT 1 FROM pg_stat_replication WHERE application_name = '${STANDBY}' AND sync_state = 'sync'`;
    while ((await client.query(states)).rowCount === 0) {
      if (performance.now() > deadline)
        throw new Error(`the standby does not follow after ${SYNCHRONOUS_WITHIN_MS} ms`);
      await delay(POLL_MS);
    }
  } finally {
    await client.end();
  }
}
