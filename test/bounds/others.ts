import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Mesh } from '../e2e/support/start-mesh.ts';
import type { OthersData, OthersReply } from './others-worker.ts';

/** Users who go on as always: p99 of their acks in milliseconds, of the window in the middle and of the worst. */
export interface Pace {
  usual: number;
  worst: number;
}

/** Users who have nothing to do with what is tested, on a thread of their own, so that a busy test does not seem a busy mesh. */
export interface Others {
  /** How they fare for so many windows. Rejects when one of their messages was refused, or not shown to a listener in time. */
  pace(windows: number): Promise<Pace>;
  /** How they fare for as long as some work takes. */
  beside<T>(work: Promise<T>): Promise<[T, Pace]>;
  close(): Promise<void>;
}

export async function startOthers(mesh: Mesh): Promise<Others> {
  const workerData: OthersData = { address: mesh.tlsAddress, certificateAuthority: mesh.certificateAuthority };
  const worker = new Worker(new URL('./others-worker.ts', import.meta.url), { workerData });
  const reply = async (): Promise<OthersReply> => {
    // Rejects when the worker has failed.
    const [answer] = (await once(worker, 'message')) as [OthersReply];
    if ('failed' in answer) throw new Error(`others had trouble: ${answer.failed}`);
    return answer;
  };
  const window = async (): Promise<number> => {
    worker.postMessage('window');
    const answer = await reply();
    return 'ackMs' in answer ? answer.ackMs : 0;
  };
  await reply();
  return {
    async pace(windows) {
      const found: number[] = [];
      while (found.length < windows) found.push(await window());
      return paceOf(found);
    },
    async beside(work) {
      const found: number[] = [];
      let over = false;
      const done = work.finally(() => {
        over = true;
      });
      done.catch(() => {});
      do found.push(await window());
      while (!over);
      return [await done, paceOf(found)];
    },
    async close() {
      await worker.terminate();
    },
  };
}

function paceOf(windows: number[]): Pace {
  const sorted = windows.toSorted((a, b) => a - b);
  return { usual: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, worst: sorted.at(-1) ?? 0 };
}
