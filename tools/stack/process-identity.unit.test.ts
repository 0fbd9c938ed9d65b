import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asIdentity, commandLineOf, identityOf, isRunning, parentOf } from './process-identity.ts';

const sleeper = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'a-sleeper'], { stdio: 'ignore' });

describe('the identity of a process', () => {
  it('holds while it runs and no longer', async () => {
    const child = sleeper();
    onTestFinished(() => void child.kill('SIGKILL'));
    const identity = identityOf(child.pid ?? 0);
    if (!identity) throw new Error('a running process has an identity');
    expect(isRunning(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isRunning(identity)).toBe(false);
  });

  it('is not that of a stranger with the same number', () => {
    const self = identityOf(process.pid);
    expect(isRunning({ pid: process.pid, startMark: `${self?.startMark}0` })).toBe(false);
  });

  it('survives being written down', () => {
    const self = identityOf(process.pid);
    expect(asIdentity(JSON.parse(JSON.stringify(self)))).toEqual(self);
    expect(asIdentity({ pid: '1' })).toBeUndefined();
    expect(asIdentity(null)).toBeUndefined();
  });

  it('does not exist for a number that no process has', () => {
    expect(identityOf(0)).toBeUndefined();
    expect(identityOf(2 ** 30)).toBeUndefined();
  });

  it('goes with a command line and a parent', () => {
    const child = sleeper();
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(commandLineOf(child.pid ?? 0)).toContain('a-sleeper');
    if (process.platform === 'linux') expect(parentOf(child.pid ?? 0)).toBe(process.pid);
  });
});
