import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asIdentity, identityOf, type ProcessIdentity } from './process-identity.ts';

/** What is written down about each child while it runs, so that a later launcher can find it after our own kill -9. */
export interface ProcessRecord extends ProcessIdentity {
  name: string;
  stopSignal: NodeJS.Signals;
  graceMs: number;
}

const SUFFIX = '.process.json';

/** Writes down a child that was just started. Does nothing when it is gone already. */
export function writeRecord(runDirectory: string, child: Omit<ProcessRecord, 'startMark'>): void {
  const identity = identityOf(child.pid);
  if (!identity) return;
  mkdirSync(runDirectory, { recursive: true });
  writeFileSync(join(runDirectory, `${child.name}${SUFFIX}`), JSON.stringify({ ...child, ...identity }), {
    mode: 0o600,
  });
}

/** Forgets a child that ended. */
export function removeRecord(runDirectory: string, name: string): void {
  rmSync(join(runDirectory, `${name}${SUFFIX}`), { force: true });
}

/** All children on record. A record that was cut off in the middle of writing is skipped. */
export function readRecords(runDirectory: string): ProcessRecord[] {
  return list(runDirectory).flatMap((file) => {
    try {
      const record: ProcessRecord = JSON.parse(readFileSync(join(runDirectory, file), 'utf8'));
      return asIdentity(record) ? [record] : [];
    } catch {
      return [];
    }
  });
}

function list(runDirectory: string): string[] {
  try {
    return readdirSync(runDirectory).filter((file) => file.endsWith(SUFFIX));
  } catch {
    return [];
  }
}
