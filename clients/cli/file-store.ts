import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatStore } from '@realchat/client';

/** Keeps each name in a file of a folder that only its owner can read. A file is replaced whole or not at all. */
export function fileStore(folder: string): ChatStore {
  const pathOf = (name: string) => join(folder, `${encodeURIComponent(name)}.json`);
  return {
    get: (name) => {
      try {
        return readFileSync(pathOf(name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    set: (name, text) => {
      if (text === undefined) return rmSync(pathOf(name), { force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const unfinished = `${pathOf(name)}.${process.pid}`;
      writeFileSync(unfinished, text, { mode: 0o600, flush: true });
      renameSync(unfinished, pathOf(name));
    },
  };
}

/** A store for one command: what waits to be sent is not left to a later one, which nobody would expect to send it. */
export function withoutOutbox(store: ChatStore): ChatStore {
  const isOutbox = (name: string) => name.startsWith('outbox.');
  return {
    get: (name) => (isOutbox(name) ? undefined : store.get(name)),
    set: (name, text) => (isOutbox(name) ? undefined : store.set(name, text)),
  };
}
