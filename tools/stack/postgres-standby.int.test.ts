import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseUrl } from './engines/postgres.ts';
import { removePostgresFolder } from './engines/postgres-files.ts';
import { type PrivatePorts, privatePorts } from './private-ports.ts';
import { createStack, type Stack } from './stack.ts';

const AWAY_MS = 3_000;
const APPLIED_WITHIN_MS = 10_000;

let dataDir: string;
let block: PrivatePorts;
let stack: Stack;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'realchat-standby-'));
  block = await privatePorts();
  const overrides = { postgres: { standby: { port: block.ports.postgres } } };
  stack = await createStack({ dataDir, ports: 'private', parts: ['postgres'], overrides });
  await stack.start();
});

afterAll(async () => {
  await stack.stop();
  block.release();
  await removePostgresFolder(stack.paths.postgres);
  await rm(dataDir, { recursive: true });
});

async function ask(port: number, ...statements: string[]): Promise<unknown[]> {
  const connectionString = databaseUrl({ port, passwords: stack.secrets.postgres }, 'superuser');
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const text of statements) rows = (await client.query({ text, rowMode: 'array' })).rows.flat();
    return rows;
  } finally {
    await client.end();
  }
}

test('a commit is acknowledged when two have it, whatever a statement may take, and the second can take over', async () => {
  const [primary, standby] = [stack.ports.postgres, block.ports.postgres];
  await ask(primary, 'CREATE TABLE told (n int)', 'INSERT INTO told VALUES (1)');
  // Acknowledged is what the standby has on disk; it is read there when it has been applied, a moment later.
  await expect.poll(() => ask(standby, 'SELECT n FROM told'), { timeout: APPLIED_WITHIN_MS }).toEqual([1]);

  await stack.process('postgres-standby').kill('SIGKILL', { restart: false });
  let acknowledged = false;
  const committing = ask(primary, "SET statement_timeout = '1s'", 'INSERT INTO told VALUES (2)').then(() => {
    acknowledged = true;
  });
  await delay(AWAY_MS);
  expect(acknowledged, 'without the standby').toBe(false);
  await stack.process('postgres-standby').start();
  await committing;

  await stack.process('postgres').kill('SIGKILL', { restart: false });
  expect(await ask(standby, 'SELECT pg_promote()', 'INSERT INTO told VALUES (3)', 'SELECT n FROM told')).toEqual([
    1, 2, 3,
  ]);
});
