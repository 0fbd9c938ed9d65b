import { readdirSync, readFileSync } from 'node:fs';

/** Processor time that a process has used, with that of its ended children, in milliseconds. */
export interface ProcessTimes {
  pid: number;
  parent: number;
  cpuMs: number;
}

/** What `/proc` counts in: the kernel gives programs hundredths of a second. */
const TICK_MS = 10;

/** Every process of the machine. Empty where there is no `/proc`. */
export function readProcesses(): Map<number, ProcessTimes> {
  const processes = new Map<number, ProcessTimes>();
  for (const name of list('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) && read(`/proc/${name}/stat`);
    if (stat) processes.set(pid, parseProcess(pid, stat));
  }
  return processes;
}

/** A line of `/proc/<pid>/stat`. The name of the program may hold anything, brackets and spaces included. */
export function parseProcess(pid: number, stat: string): ProcessTimes {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { pid, parent: Number(fields[1]), cpuMs: (user + system + childrenUser + childrenSystem) * TICK_MS };
}

/** Processor time of the whole machine that something ran in, in milliseconds over all cores. */
export function readMachine(): number {
  return parseMachine(read('/proc/stat') ?? '');
}

/** The first line of `/proc/stat`. Time that a host took away counts as used: it was not to be had. */
export function parseMachine(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = (
    stat.split('\n', 1)[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) * TICK_MS;
}

/** Memory of a process, its share of what it has in common with others, in bytes. */
export function readMemory(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined when the process has gone meanwhile. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
