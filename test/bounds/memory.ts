import { setTimeout as delay } from 'node:timers/promises';
import type { Mesh } from '../e2e/support/start-mesh.ts';
import { residentBytes } from '../integrity/run/watch.ts';

const EVERY_MS = 250;

/** What processes have in use. */
export interface MemoryWatch {
  /** The most of each so far, in bytes, by name. */
  readonly most: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Looks at every process of a mesh for as long as it runs. One that is started anew goes on under its name. */
export function watchMemory({ stack }: Mesh): MemoryWatch {
  const stopping = new AbortController();
  const most = new Map<string, number>();
  const look = async () => {
    for (const [name, { pid }] of stack.processes) {
      if (pid === undefined) continue;
      // It may have ended meanwhile.
      const bytes = await residentBytes(pid).catch(() => 0);
      most.set(name, Math.max(bytes, most.get(name) ?? 0));
    }
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await delay(EVERY_MS);
    }
  })();
  return {
    most,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
