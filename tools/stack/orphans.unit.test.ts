import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stopOrphans } from './orphans.ts';
import { readRecords, writeRecord } from './process-record.ts';
import { silentProgress } from './progress.ts';

let run: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'realchat-orphans-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(run, { recursive: true });
});

/** A process that runs until it is told to stop, and then writes down its name; a stubborn one does not even go. */
async function start(name: string, { stubborn = false } = {}): Promise<ChildProcess> {
  const goes = `require('fs').appendFileSync(${JSON.stringify(ended())}, '${name} '); process.exit()`;
  const script = `process.on('SIGTERM', () => { ${stubborn ? '' : goes} }); setInterval(() => {}, 1000); process.stdout.write('up')`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  writeRecord(run, { name, pid: child.pid ?? 0, stopSignal: 'SIGTERM', graceMs: stubborn ? 300 : 5000 });
  return child;
}

/** Who has ended, in their order: when this process hears of two at once, it does not know which was first. */
const ended = () => join(run, 'ended');

const exit = async (child: ChildProcess) => child.exitCode ?? child.signalCode ?? (await once(child, 'exit'));

describe('what an earlier launcher left behind', () => {
  it('is stopped in the order of stopping and forgotten', async () => {
    const [engine, service] = [await start('postgres'), await start('auth')];
    expect(await stopOrphans(run, ['auth', 'postgres'], silentProgress)).toEqual(['auth', 'postgres']);
    await Promise.all([exit(engine), exit(service)]);
    expect(readFileSync(ended(), 'utf8')).toBe('auth postgres ');
    expect(readRecords(run)).toEqual([]);
  });

  it('is killed when it does not go, also when it was paused', async () => {
    const child = await start('kafka', { stubborn: true });
    child.kill('SIGSTOP');
    const exited = once(child, 'exit');
    await stopOrphans(run, [], silentProgress);
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  it('is never a stranger that was given the number of one that ended', async () => {
    const stranger = await start('valkey');
    const file = join(run, 'valkey.process.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), startMark: 'an earlier start' }));
    expect(await stopOrphans(run, [], silentProgress)).toEqual([]);
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
    expect(readRecords(run)).toEqual([]);
  });
});
