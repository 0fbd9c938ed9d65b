import { type ProcessTimes, readMachine, readMemory, readProcesses } from './proc.ts';

/** The processes that are looked at, each with all its descendants, by name. */
export type Roots = ReadonlyMap<string, number>;

/** A look at the machine. */
export interface Sample {
  at: number;
  processes: Map<number, ProcessTimes>;
  machineMs: number;
}

/** What was used between two looks, in cores: 1 is one core, all the time. */
export interface Usage {
  seconds: number;
  /** By the name of the root. */
  cores: Record<string, number>;
  /** All that ran on the machine. */
  machine: number;
}

export function takeSample(): Sample {
  return { at: performance.now(), processes: readProcesses(), machineMs: readMachine() };
}

/** The processor time of each root and its descendants. What ended meanwhile is counted by its parent. */
export function usageBetween(before: Sample, after: Sample, roots: Roots): Usage {
  const milliseconds = after.at - before.at;
  const cores: Record<string, number> = {};
  for (const [name, root] of roots) {
    const used = treeMs(after.processes, root) - treeMs(before.processes, root);
    cores[name] = round(used / milliseconds);
  }
  return { seconds: milliseconds / 1000, cores, machine: round((after.machineMs - before.machineMs) / milliseconds) };
}

/** Memory of each root and its descendants, in megabytes. */
export function memoryOf(roots: Roots): Record<string, number> {
  const processes = readProcesses();
  const megabytes = [...roots].map(([name, root]) => {
    const bytes = treeOf(processes, root).reduce((sum, { pid }) => sum + readMemory(pid), 0);
    return [name, Math.round(bytes / 2 ** 20)];
  });
  return Object.fromEntries(megabytes);
}

function treeMs(processes: Map<number, ProcessTimes>, root: number): number {
  return treeOf(processes, root).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

function treeOf(processes: Map<number, ProcessTimes>, root: number): ProcessTimes[] {
  const isOfTree = ({ pid, parent }: ProcessTimes): boolean => {
    if (pid === root) return true;
    const above = processes.get(parent);
    return above !== undefined && isOfTree(above);
  };
  return [...processes.values()].filter(isOfTree);
}

function round(cores: number): number {
  return Math.round(cores * 10_000) / 10_000;
}
