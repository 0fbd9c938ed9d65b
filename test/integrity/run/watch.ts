import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mesh } from '../../e2e/support/mesh.ts';
import { type MessageStore, openMessageStore } from '../../e2e/support/message-store.ts';
import type { Journal } from '../history/journal.ts';

const INTERVAL_MS = 500;
const ANSWER_MS = 3_000;
/** Memory and handles are read every so many intervals. */
const PROCESSES_EVERY = 4;
const PAGE_BYTES = 4096;

/** What is committed and published, as the stores themselves say. */
export interface Watch {
  /** The newest answer. Undefined while the database is away. */
  readonly backlog: { committed: number; published: number } | undefined;
  /** Asks now. Rejects while the database is away. */
  ask(): Promise<{ committed: number; published: number }>;
  stop(): Promise<void>;
}

/** Writes samples into the history for as long as it runs: the backlog, and what each process takes. */
export function startWatch(mesh: Mesh, journal: Journal): Watch {
  const stopping = new AbortController();
  let store: MessageStore | undefined;
  let newest: Watch['backlog'];

  const read = async () => {
    store ??= await openMessageStore(mesh);
    return store.progress();
  };
  const ask = async () => {
    try {
      // A connection to a database that died may never say so.
      const late = delay(ANSWER_MS, undefined, { ref: false });
      const progress = await Promise.race([read(), late]);
      if (!progress) throw new Error(`the database did not answer within ${ANSWER_MS} ms`);
      newest = { committed: progress.head, published: progress.published };
      journal.write({ type: 'sample', process: 'backlog', ...newest });
      return newest;
    } catch (error) {
      newest = undefined;
      store?.close().catch(() => {});
      store = undefined;
      throw error;
    }
  };
  const run = async () => {
    for (let i = 0; !stopping.signal.aborted; i++) {
      await ask().catch(() => {});
      if (i % PROCESSES_EVERY === 0) await sampleProcesses(mesh, journal);
      await delay(INTERVAL_MS);
    }
  };
  const running = run();
  return {
    get backlog() {
      return newest;
    },
    ask,
    async stop() {
      stopping.abort();
      await running;
      await store?.close();
    },
  };
}

async function sampleProcesses({ stack }: Mesh, journal: Journal): Promise<void> {
  for (const [name, { pid }] of stack.processes) {
    if (pid === undefined) continue;
    try {
      const rss = await residentBytes(pid);
      const handles = (await readdir(`/proc/${pid}/fd`)).length;
      journal.write({ type: 'sample', process: name, rss, handles });
    } catch {
      // It has ended, or this machine has no /proc.
    }
  }
}

/** Whether this machine tells what a process takes. */
export function canMeasure(): boolean {
  return existsSync(`/proc/${process.pid}/statm`) && existsSync(`/proc/${process.pid}/fd`);
}

/** Memory that a process has in use, in bytes. Rejects when it has ended, or this machine has no /proc. */
export async function residentBytes(pid: number): Promise<number> {
  const [, resident = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return Number(resident) * PAGE_BYTES;
}
