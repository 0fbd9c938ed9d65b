import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { openLog } from './log-file.ts';
import { removeRecord, writeRecord } from './process-record.ts';
import type { ProcessSpec } from './process-spec.ts';

/** How one life of a process ended. */
export interface Exit {
  code: number | null;
  /** The signal that ended it, or the reason why it could not even be started. */
  cause: string;
  livedMs: number;
}

/** One life of a process, from its start to its end. */
export interface Child {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  /** How it ended; undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Sends a signal, unless it has ended. */
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a process with its output in the log, and keeps its record for as long as it runs. It leads a process group of
 * its own, so that Ctrl-C at the terminal reaches the launcher alone, which stops everything in order.
 */
export function startChild(spec: ProcessSpec, logFile: string, runDirectory: string): Child {
  const log = openLog(logFile);
  const startedAt = Date.now();
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    detached: true,
    stdio: ['ignore', log, log],
    ...(spec.user && { uid: spec.user.uid, gid: spec.user.gid }),
  });
  closeSync(log);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    const end = (code: number | null, cause: string) => {
      removeRecord(runDirectory, spec.name);
      exit = { code, cause, livedMs: Date.now() - startedAt };
      resolve(exit);
    };
    child.once('error', (error) => child.pid === undefined && end(null, error.message));
    child.once('exit', (code, signal) => end(code, signal ?? `exit code ${code}`));
  });
  if (child.pid !== undefined) {
    writeRecord(runDirectory, { name: spec.name, pid: child.pid, stopSignal: spec.stopSignal, graceMs: spec.graceMs });
  }
  return {
    pid: child.pid,
    exited,
    get exit() {
      return exit;
    },
    signal: (name) => {
      if (!exit) child.kill(name);
    },
  };
}
