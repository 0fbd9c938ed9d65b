import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManagedProcess, type ProcessEvent } from './managed-process.ts';
import { readRecords } from './process-record.ts';
import type { ProcessSpec } from './process-spec.ts';

let folder: string;
let events: ProcessEvent[];
const started: ManagedProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'realchat-managed-'));
  events = [];
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
  await rm(folder, { recursive: true });
});

/** A process under supervision that runs a script; it is ready when the script has written the file `up`. */
function managed(script: string, spec: Partial<ProcessSpec> = {}): ManagedProcess {
  const up = join(folder, 'up');
  const made = new ManagedProcess(
    {
      name: 'subject',
      command: process.execPath,
      args: ['-e', script],
      env: {},
      cwd: folder,
      ready: async () => existsSync(up),
      readyTimeoutMs: 10_000,
      stopSignal: 'SIGTERM',
      graceMs: 5000,
      beforeStart: () => rm(up, { force: true }),
      ...spec,
    },
    { runDirectory: folder, logFile: join(folder, 'log'), onEvent: (event) => events.push(event) },
  );
  started.push(made);
  return made;
}

const SERVE = "require('fs').writeFileSync('up', ''); setInterval(() => {}, 1000);";

describe('a process under supervision', () => {
  it('is on record while it runs, with its output in its log', async () => {
    const subject = managed(`console.log('hello'); ${SERVE}`);
    await subject.start();
    expect(subject.state).toBe('ready');
    expect(readRecords(folder)).toMatchObject([{ name: 'subject', pid: subject.pid }]);
    expect(await subject.stop()).toBe('stopped');
    expect(readRecords(folder)).toEqual([]);
    expect(await readFile(subject.logFile, 'utf8')).toContain('hello');
  });

  it('comes back by itself after kill -9, and says so', async () => {
    const subject = managed(SERVE);
    await subject.start();
    const first = subject.pid;
    await subject.kill('SIGKILL');
    await subject.waitReady();
    expect(subject.pid).not.toBe(first);
    expect(subject.restarts).toBe(1);
    expect(events.map(({ kind }) => kind)).toEqual(['died', 'back']);
  });

  it('stays down when it was killed to stay down, until it is started', async () => {
    const subject = managed(SERVE);
    await subject.start();
    await subject.kill('SIGKILL', { restart: false });
    expect(subject.state).toBe('stopped');
    expect(subject.pid).toBeUndefined();
    await subject.start();
    expect(subject.state).toBe('ready');
    expect(events).toEqual([]);
  });

  it('is killed when it does not stop within its grace, and that is told', async () => {
    const subject = managed(`process.on('SIGTERM', () => {}); ${SERVE}`, { graceMs: 200 });
    await subject.start();
    expect(await subject.stop()).toBe('killed');
    expect(subject.pid).toBeUndefined();
  });

  it('remembers how its last life ended, also while the next one goes on', async () => {
    const subject = managed(`process.on('SIGTERM', () => process.exit(7)); ${SERVE}`);
    await subject.start();
    expect(subject.lastExit).toBeUndefined();
    await subject.restart();
    expect(subject.lastExit).toMatchObject({ code: 7, cause: 'exit code 7' });
    await subject.kill('SIGKILL', { restart: false });
    expect(subject.lastExit).toMatchObject({ code: null, cause: 'SIGKILL' });
  });

  it('is stopped in good order also while it is paused', async () => {
    const subject = managed(SERVE);
    await subject.start();
    subject.pause();
    expect(await subject.stop()).toBe('stopped');
  });

  it('that dies while it starts is tried again', async () => {
    const twice =
      "const fs = require('fs'); if (!fs.existsSync('tried')) { fs.writeFileSync('tried', ''); process.exit(1); }";
    const subject = managed(`${twice} ${SERVE}`);
    await subject.start();
    expect(subject.state).toBe('ready');
  });

  it('that finds its settings wrong is not tried again, and the end of its log is told', async () => {
    const subject = managed(
      "require('fs').appendFileSync('tries', 'x'); console.log('PORT: missing'); process.exit(78)",
    );
    await expect(subject.start()).rejects.toThrow(/ended with exit code 78:\nPORT: missing/);
    expect(await readFile(join(folder, 'tries'), 'utf8')).toBe('x');
    expect(subject.state).toBe('stopped');
  });

  it('that never becomes ready is taken down again', async () => {
    const subject = managed('setInterval(() => {}, 1000)', { readyTimeoutMs: 300 });
    await expect(subject.start()).rejects.toThrow('subject does not become ready');
    expect(subject.pid).toBeUndefined();
  });

  it('whose program does not exist says so', async () => {
    await expect(managed('', { command: '/nowhere/program' }).start()).rejects.toThrow('ENOENT');
  });
});
