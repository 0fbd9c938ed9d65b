import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../paths.ts';
import { isRunning } from '../process-identity.ts';
import { readRecords } from '../process-record.ts';

let dataDir: string;
const launched: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'realchat-cli-')), 'data');
});
afterEach(async () => {
  for (const child of launched.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await rm(join(dataDir, '..'), { recursive: true });
});

interface Launched {
  child: ChildProcess;
  output: () => string;
  exitCode: Promise<number | null>;
}

/** Runs the launcher as npm does, with one small engine. */
function cli(...args: string[]): Launched {
  const child = spawn(process.execPath, ['tools/stack/cli.ts', ...args], {
    cwd: repositoryRoot,
    env: { ...process.env, REALCHAT_DATA_DIR: dataDir, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launched.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exitCode: once(child, 'close').then(() => child.exitCode) };
}

const start = () => cli('start', '--only', 'valkey');

async function says({ output }: Launched, text: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!output().includes(text)) {
    if (Date.now() > deadline) throw new Error(`it does not say ${JSON.stringify(text)}:\n${output()}`);
    await delay(20);
  }
}

describe('npm start', () => {
  it('says where things are and stops everything cleanly when it is told to', async () => {
    const run = start();
    await says(run, 'RealChat runs.');
    const [engine] = readRecords(join(dataDir, 'run'));
    if (!engine) throw new Error('the engine is not on record');
    run.child.kill('SIGINT');
    expect(await run.exitCode).toBe(0);
    expect(run.output()).toContain('Stopped cleanly.');
    expect(isRunning(engine)).toBe(false);
  });

  it('refuses to run twice on the same data', async () => {
    const run = start();
    await says(run, 'RealChat runs.');
    const second = start();
    expect(await second.exitCode).toBe(1);
    expect(second.output()).toContain(`already runs on ${dataDir} (process ${run.child.pid})`);
  });

  it('comes up after its own kill -9, having stopped what was left', async () => {
    const run = start();
    await says(run, 'RealChat runs.');
    const [orphan] = readRecords(join(dataDir, 'run'));
    if (!orphan) throw new Error('the engine is not on record');
    run.child.kill('SIGKILL');
    await run.exitCode;
    expect(isRunning(orphan)).toBe(true);
    const again = start();
    await says(again, 'RealChat runs.');
    expect(again.output()).toContain('stopping what an earlier run left behind: valkey');
    expect(isRunning(orphan)).toBe(false);
  });

  it('says in one line which part does not exist', async () => {
    const run = cli('start', '--only', 'redis');
    expect(await run.exitCode).toBe(1);
    expect(run.output()).toMatch(/^✗ there is no part "redis"\n {2}→ the parts are postgres, .*\n$/);
  });
});

describe('npm run reset', () => {
  it('wipes the data, but not without being told to, and not while it is in use', async () => {
    const run = start();
    await says(run, 'RealChat runs.');
    const refused = cli('reset', '--yes');
    expect(await refused.exitCode).toBe(1);
    expect(refused.output()).toContain('stop it first');
    run.child.kill('SIGTERM');
    await run.exitCode;

    expect(await cli('reset').exitCode).toBe(1);
    expect(existsSync(dataDir)).toBe(true);
    expect(await cli('reset', '--yes').exitCode).toBe(0);
    expect(existsSync(dataDir)).toBe(false);
  });
});
