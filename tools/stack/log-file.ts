import { mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { lastLines } from './run-command.ts';

const ROTATE_BYTES = 20 * 1024 * 1024;

/** Opens a log for appending; one that has grown large is kept as `<file>.1` first. Answers the descriptor. */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/** The last lines of a log, for a message about what went wrong. */
export function tailOfLog(file: string, lines = 12): string {
  try {
    return lastLines(readFileSync(file, 'utf8').slice(-16_384), lines);
  } catch {
    return '';
  }
}
