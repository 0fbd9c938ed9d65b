import { join, resolve } from 'node:path';
import { openDataDirectory } from './data-directory.ts';
import { tryLock, unlock } from './file-lock.ts';
import { checkInstances, type InstanceName, type MeshName, meshNames, nameOf, numbersOf } from './instances.ts';
import { ManagedProcess } from './managed-process.ts';

import { stopOrphans } from './orphans.ts';
import { type StackPaths, stackPaths } from './paths.ts';
import { choosePorts } from './port-choice.ts';
import type { Ports } from './ports.ts';
import { Problem } from './problem.ts';
import { silentProgress } from './progress.ts';
import type { Secrets } from './secrets.ts';
import { createContext, rowOf, type StackContext } from './stack-context.ts';
import {
  allParts,
  type PartName,
  type ProcessName,
  type StackOptions,
  stopGroups,
  stopOrder,
} from './stack-options.ts';
import { type Addresses, type StackState, writeState } from './stack-state.ts';
import { bringUp, type Launch } from './start-sequence.ts';

/** The data folder is in use by a launcher that lives. */
export class AlreadyRunning extends Problem {
  override name = 'AlreadyRunning';
}

/** How a stack went down. */
export interface StopReport {
  /** Processes that did not go within their grace and were killed. */
  killed: string[];
  /** Processes of the mesh that went within their grace, but not with exit code 0. */
  unclean: string[];
}

/** A whole RealChat on this machine, or some parts of it. */
export interface Stack {
  readonly ports: Ports;
  readonly paths: StackPaths;
  readonly secrets: Secrets;
  readonly addresses: Addresses;
  /** The processes that were started so far, by name. */
  readonly processes: ReadonlyMap<ProcessName, ManagedProcess>;
  /** The process of that name; that of a service is its first. Throws when it was not started. */
  process(name: ProcessName): ManagedProcess;
  /** The names of a service's processes, such as `messaging` and `messaging-2`. */
  namesOf(service: MeshName): InstanceName[];
  /** The environment of a process of the mesh: for a test that runs the service in its own process. */
  environment(name: InstanceName): Record<string, string>;
  /** Brings everything up in order. When it fails, what came up stays up until stop(). */
  start(): Promise<void>;
  /** Takes everything down, from the edge inwards, and frees the data folder and the ports. Also during start(). */
  stop(): Promise<StopReport>;
  /** Kills everything without waiting. */
  killNow(): void;
}

/**
 * Takes the data folder and the ports for a stack; what an earlier launcher of the folder left running is stopped first.
 * Nothing runs before start(). Throws AlreadyRunning when another launcher has the folder.
 */
export async function createStack(options: StackOptions): Promise<Stack> {
  checkInstances(options.instances ?? {});
  const paths = stackPaths(resolve(options.dataDir));
  const progress = options.progress ?? silentProgress;
  openDataDirectory(paths);
  const lock = launcherLock(paths);
  const holder = tryLock(lock, options.owner);
  if (holder)
    throw new AlreadyRunning(`RealChat already runs on ${paths.data} (process ${holder.pid})`, 'stop it first');
  let releasePorts: (() => void) | undefined;
  const release = () => {
    releasePorts?.();
    unlock(lock);
  };
  try {
    await stopOrphans(paths.run, stopOrder, progress);
    const chosen = await choosePorts(
      options.ports ?? 'development',
      options.host ?? '127.0.0.1',
      options.instances ?? {},
      progress,
    );
    releasePorts = chosen.release;
    return assemble(options, await createContext(options, paths, chosen.ports), release);
  } catch (error) {
    release();
    throw error;
  }
}

function isOfMesh(process: string): boolean {
  return meshNames.some((name) => isOf(name, process));
}

/** Whether a process is the part of that name, or an instance of it. */
function isOf(part: PartName, process: string): boolean {
  return process === part || process.startsWith(`${part}-`);
}

/** The file by which one launcher has a data folder. */
export function launcherLock(paths: StackPaths): string {
  return join(paths.run, 'launcher.lock');
}

function assemble(options: StackOptions, context: StackContext, release: () => void): Stack {
  const { paths, ports, secrets, addresses, instances } = context;
  const progress = options.progress ?? silentProgress;
  const processes = new Map<ProcessName, ManagedProcess>();
  let phase: StackState['phase'] = 'starting';
  let stopping: Promise<StopReport> | undefined;

  const save = () => {
    const list = [...processes.values()].map(({ name, state, pid, restarts, lastExit, logFile }) => {
      return { name, state, pid, restarts, lastExit: lastExit?.cause, log: logFile };
    });
    writeState(paths.state, { launcher: process.pid, phase, addresses, ports, processes: list });
  };
  const enter = (next: StackState['phase']) => {
    phase = next;
    save();
  };
  const launch: Launch = async (name, spec) => {
    if (phase !== 'starting') throw new Problem(`${name} is not started`, 'the stack is stopping');
    const managed = new ManagedProcess(spec, {
      runDirectory: paths.run,
      logFile: join(paths.logs, `${name}.log`),
      onChange: save,
      onEvent: (event) =>
        progress.say(`  ${event.process} ${event.kind === 'died' ? 'died' : 'is back'}: ${event.detail}`),
    });
    processes.set(name, managed);
    await progress.step(`starting ${name}`, () => managed.start());
  };
  const killNow = () => {
    for (const managed of processes.values()) managed.killNow();
  };
  const takeDown = async (): Promise<StopReport> => {
    enter('stopping');
    const killed: string[] = [];
    const unclean: string[] = [];
    const running = [...processes.values()];
    for (const group of stopGroups) {
      const together = running.filter(({ name }) => group.some((part) => isOf(part, name)));
      await Promise.all(
        together.map(async (managed) => {
          const how = await progress.step(`stopping ${managed.name}`, () => managed.stop());
          if (how === 'killed') killed.push(managed.name);
          else if (isOfMesh(managed.name) && managed.lastExit?.code !== 0) unclean.push(managed.name);
        }),
      );
    }
    enter('stopped');
    process.off('exit', killNow);
    release();
    return { killed, unclean };
  };
  // Whatever ends this process, even an exception that nobody caught, must not leave the children behind.
  process.on('exit', killNow);
  save();

  return {
    ports,
    paths,
    secrets,
    addresses,
    processes,
    killNow,
    process: (name) => {
      const managed = processes.get(name) ?? processes.get(name.replace(/-1$/, '') as ProcessName);
      if (!managed) throw new Error(`${name} was not started`);
      return managed;
    },
    environment: (name) => ({ ...rowOf(context, name).env }),
    namesOf: (service) => numbersOf(service, instances).map((number) => nameOf(service, number)),
    start: async () => {
      await bringUp(context, new Set(options.parts ?? allParts), progress, launch);
      if (phase === 'starting') enter('ready');
    },
    stop: () => (stopping ??= takeDown()),
  };
}
