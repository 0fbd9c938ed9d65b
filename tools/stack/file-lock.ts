import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asIdentity, identityOf, isRunning, type ProcessIdentity } from './process-identity.ts';

/** What a lock file says about its holder. */
export interface LockHolder extends ProcessIdentity {
  /** More that the holder wants others to know. */
  note?: unknown;
}

/**
 * Takes the lock file for this process. Answers undefined when it is ours now, else who holds it.
 * A file whose holder no longer runs (kill -9, power loss) does not count and is replaced.
 */
export function tryLock(file: string, note?: unknown): LockHolder | undefined {
  const self = identityOf(process.pid);
  if (!self) throw new Error('cannot tell when this process started');
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify({ ...self, note }), { mode: 0o600 });
  try {
    // A hard link is made whole or not at all, and never over an existing file.
    for (let attempt = 0; attempt < 10; attempt++) {
      try {
        linkSync(draft, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readHolder(file);
      if (holder && isRunning(holder)) return holder;
      discardStale(file);
    }
    throw new Error(`the lock ${file} changes hands too quickly`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Gives the lock back. */
export function unlock(file: string): void {
  const holder = readHolder(file);
  if (holder && holder.pid === process.pid) rmSync(file, { force: true });
}

/** Who holds the lock; undefined when it is free or the file cannot be read. */
export function readHolder(file: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const identity = asIdentity(value);
    return identity && { ...identity, note: (value as { note?: unknown }).note };
  } catch {
    return undefined;
  }
}

/** Runs `work` while holding the lock, waiting for as long as another living process holds it. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  while (tryLock(file)) await delay(200);
  try {
    return await work();
  } finally {
    unlock(file);
  }
}

/**
 * Moves a stale file aside and looks at it again there: between the first look and the removal another process may have
 * replaced it, and then it is put back. What remains is a third process that takes the lock in the microseconds between.
 */
function discardStale(file: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const holder = readHolder(aside);
  if (holder && isRunning(holder)) {
    try {
      linkSync(aside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  rmSync(aside, { force: true });
}
