import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHolder, tryLock, unlock, withLock } from './file-lock.ts';

let folder: string;
let lock: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'realchat-lock-'));
  lock = join(folder, 'a.lock');
});
afterEach(() => rm(folder, { recursive: true }));

describe('a lock file', () => {
  it('has one holder at a time, who can be asked about', () => {
    expect(tryLock(lock, 'a note')).toBeUndefined();
    expect(tryLock(lock)).toMatchObject({ pid: process.pid, note: 'a note' });
    expect(readHolder(lock)?.pid).toBe(process.pid);
    unlock(lock);
    expect(tryLock(lock)).toBeUndefined();
  });

  it('of a process that no longer runs does not count', () => {
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startMark: 'another life' }));
    expect(tryLock(lock)).toBeUndefined();
    expect(readHolder(lock)?.startMark).not.toBe('another life');
  });

  it('that was cut off in the middle of writing does not count', () => {
    writeFileSync(lock, '{"pid":');
    expect(tryLock(lock)).toBeUndefined();
  });

  it('leaves nothing beside it', async () => {
    writeFileSync(lock, 'stale');
    tryLock(lock);
    tryLock(lock);
    unlock(lock);
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps pieces of work apart, and is given back when one fails', async () => {
    let inside = 0;
    const work = async () => {
      inside++;
      expect(inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      throw new Error('failed');
    };
    const results = await Promise.allSettled([withLock(lock, work), withLock(lock, work)]);
    expect(results.map((result) => result.status === 'rejected' && String(result.reason))).toEqual([
      'Error: failed',
      'Error: failed',
    ]);
    expect(existsSync(lock)).toBe(false);
  });
});
