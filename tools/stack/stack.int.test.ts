import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT_EVENTS, CONVERSATION_EVENTS, createEventLog } from '@realchat/eventlog';
import { createTelemetry } from '@realchat/telemetry';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removePostgresFolder } from './engines/postgres-files.ts';
import { AlreadyRunning, createStack, type Stack } from './stack.ts';
import { engineNames } from './stack-options.ts';
import { readState } from './stack-state.ts';

let dataDir: string;
let stack: Stack;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'realchat-stack-'));
  stack = await startEngines();
});

afterAll(async () => {
  await stack.stop();
  await removePostgresFolder(stack.paths.postgres);
  await rm(dataDir, { recursive: true });
});

async function startEngines(): Promise<Stack> {
  const made = await createStack({ dataDir, ports: 'private', parts: [...engineNames, 'envoy'] });
  await made.start();
  return made;
}

const databaseUrl = (service: 'auth' | 'messaging') => stack.environment(service)['DATABASE_URL'] ?? '';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Sends commands to Valkey in its inline form and answers all that came back. */
function valkey(...commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: stack.ports.valkey });
    let answer = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.end([`AUTH ${stack.secrets.valkey}`, ...commands, 'QUIT', ''].join('\r\n'));
  });
}

async function withEventLog<T>(work: (log: ReturnType<typeof createEventLog>) => Promise<T>): Promise<T> {
  const { log, metrics } = createTelemetry({ service: 'test', instance: 'test', level: 'error' });
  const brokers = [{ host: '127.0.0.1', port: stack.ports.kafkaDelivery }];
  const eventLog = createEventLog({ brokers, clientId: 'stack-test', log, metrics });
  try {
    return await work(eventLog);
  } finally {
    await eventLog.stop();
  }
}

async function ends(): Promise<bigint> {
  const offsets = await withEventLog((log) => log.offsets(ACCOUNT_EVENTS.name));
  return offsets.reduce((sum, { high }) => sum + high, 0n);
}

describe('the engines of a stack', () => {
  it('let a service into its own database as its own role, and into no other', async () => {
    expect(await query(databaseUrl('auth'), 'SELECT current_user, current_database()')).toEqual(['auth', 'auth']);
    const elsewhere = databaseUrl('auth').replace(/\/auth$/, '/messaging');
    await expect(query(elsewhere, 'SELECT 1')).rejects.toThrow(/no pg_hba.conf entry|permission denied/);
    const wrong = databaseUrl('auth').replace(/:[^:@]+@/, ':guess@');
    await expect(query(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('do not forget what they acknowledged', async () => {
    expect(await query(databaseUrl('auth'), 'SHOW fsync')).toEqual(['on']);
    expect(await query(databaseUrl('auth'), 'SHOW synchronous_commit')).toEqual(['on']);
    expect(await valkey('CONFIG GET appendonly')).toContain('yes');
  });

  it('have the topics of the event log', async () => {
    expect(await withEventLog((log) => log.offsets(CONVERSATION_EVENTS.name))).toHaveLength(16);
    expect(await withEventLog((log) => log.ensureTopics())).toEqual([]);
  });

  it('keep their secrets from other users', async () => {
    for (const file of [stack.paths.secrets, stack.paths.state, join(stack.paths.valkey, 'valkey.conf')]) {
      expect((await stat(file)).mode & 0o077).toBe(0);
    }
  });

  it('are one launcher at a time', async () => {
    await expect(createStack({ dataDir, ports: 'private' })).rejects.toBeInstanceOf(AlreadyRunning);
  });

  it('come back on the same data after kill -9 of each, by themselves', async () => {
    await query(databaseUrl('messaging'), 'CREATE TABLE kept AS SELECT 42 AS answer');
    await valkey('SET kept 42', 'WAITAOF 1 0 1000');
    await withEventLog(async (log) => {
      await log.producer().send([{ topic: ACCOUNT_EVENTS.name, partition: 0, key: 'k', value: Buffer.from('v') }]);
    });
    const before = await ends();
    for (const name of engineNames) await stack.process(name).kill('SIGKILL');
    await Promise.all(engineNames.map((name) => stack.process(name).waitReady()));
    expect(await query(databaseUrl('messaging'), 'SELECT answer FROM kept')).toEqual([42]);
    expect(await valkey('GET kept')).toContain('42');
    expect(await ends()).toBe(before);
    expect(before).toBeGreaterThan(0n);
    expect(readState(stack.paths.state)?.processes.map(({ restarts }) => restarts)).toEqual([1, 1, 1, 0]);
  });

  it('come up on the same data and other ports after they and their launcher were killed', async () => {
    const before = await ends();
    const earlier = stack;
    // What kill -9 leaves: dead processes, their records, and the lock of a launcher that is gone.
    const lock = join(earlier.paths.run, 'launcher.lock');
    const held = await readFile(lock, 'utf8');
    for (const process of earlier.processes.values()) await process.kill('SIGKILL', { restart: false });
    await earlier.stop();
    await writeFile(lock, held.replace(/"startMark":"[^"]+"/, '"startMark":"an earlier life"'));

    stack = await startEngines();
    expect(stack.ports.postgres).not.toBe(earlier.ports.postgres);
    expect(await query(databaseUrl('messaging'), 'SELECT answer FROM kept')).toEqual([42]);
    expect(await valkey('GET kept')).toContain('42');
    expect(await ends()).toBe(before);
  });

  it('go down in good order, nothing killed', async () => {
    expect(await stack.stop()).toEqual({ killed: [], unclean: [] });
    expect(readState(stack.paths.state)?.phase).toBe('stopped');
    stack = await startEngines();
  });
});
