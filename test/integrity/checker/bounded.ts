import type { History } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import type { Invariant } from './violation.ts';

/** A process that has just begun has not yet what it keeps. */
const WARM_MS = 60_000;

/**
 * I12: after the last fault no process keeps more than half as much memory again, nor half as many file descriptors and a few, as before
 * the first one.
 */
export const bounded: Invariant = {
  id: 'I12',
  name: 'bounded',
  notJudged({ run, faults }) {
    if (faults.length === 0) return 'there was no fault to compare before and after';
    if (run?.measures === false) return 'this machine does not tell what a process takes';
    const beforeFirst = firstFault({ faults }) - (run?.beganAt ?? Number.NEGATIVE_INFINITY);
    if (beforeFirst >= WARM_MS) return undefined;
    return `the first fault came after ${seconds(beforeFirst)} s, and processes are warm after ${seconds(WARM_MS)}`;
  },
  unknown(history) {
    const measured = measuredBefore(history);
    if (measured < WARM_MS)
      return `processes were measured for ${seconds(measured)} s before the first fault: they are warm after ${seconds(WARM_MS)}`;
    const last = lastHealing(history);
    return history.processes.some(({ at }) => at > last) ? undefined : 'nothing was measured after the last fault';
  },
  *holds(history) {
    if (measuredBefore(history) < WARM_MS) return;
    const [first, last] = [firstFault(history), lastHealing(history)];
    for (const [name, samples] of Map.groupBy(history.processes, (sample) => sample.process)) {
      const before = samples.filter((sample) => sample.at < first);
      // One that is gone for good takes nothing.
      const end = samples.findLast((sample) => sample.at > last);
      if (before.length === 0 || !end) continue;
      const resident = Math.max(...before.map(({ rss }) => rss));
      if (end.rss > resident * CEILINGS.residentFactor)
        yield { text: `${name} took ${megabytes(resident)} before and takes ${megabytes(end.rss)} after the faults` };
      const handles = Math.max(...before.map((sample) => sample.handles));
      if (end.handles > handles * CEILINGS.handlesFactor + CEILINGS.handlesBesides)
        yield { text: `${name} had ${handles} file descriptors before and has ${end.handles} after the faults` };
    }
  },
};

function firstFault({ faults }: Pick<History, 'faults'>): number {
  return Math.min(...faults.map((fault) => fault.from));
}

function lastHealing({ faults }: History): number {
  return Math.max(...faults.map((fault) => fault.healedAt));
}

/** How long processes were measured before the first fault, in milliseconds. */
function measuredBefore(history: History): number {
  const first = firstFault(history);
  return first - history.processes.reduce((least, sample) => Math.min(least, sample.at), first);
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}
