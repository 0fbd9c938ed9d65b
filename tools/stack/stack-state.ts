import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ProcessState } from './managed-process.ts';
import type { Ports } from './ports.ts';

export interface Addresses {
  /** Plain HTTP: gRPC, gRPC-Web, Connect, WebSocket and the page. */
  plain: string;
  /** The same over TLS. */
  tls: string;
  /** What TLS clients must trust, PEM. */
  authorityFile: string;
  logs: string;
}

/** What runs, as `state.json` tells it. */
export interface StackState {
  launcher: number;
  phase: 'starting' | 'ready' | 'stopping' | 'stopped';
  addresses: Addresses;
  ports: Ports;
  processes: {
    name: string;
    state: ProcessState;
    pid: number | undefined;
    restarts: number;
    /** How its last life ended, such as `exit code 0`; undefined when none has. */
    lastExit: string | undefined;
    log: string;
  }[];
}

/** Replaces the file as a whole, so that a reader never sees half of it. */
export function writeState(file: string, state: StackState): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The last state that was written; undefined when there is none. */
export function readState(file: string): StackState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
