import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Line } from './line.ts';

/** A line without its time. */
export type Entry = Line extends infer L ? (L extends Line ? Omit<L, 'at'> : never) : never;

const BUFFER_LINES = 500;

/** Writes a history down as it happens, with one clock for all who write into it. */
export class Journal {
  readonly lines: Line[] = [];
  readonly #file: number | undefined;
  #written = 0;
  #calls = 0;

  /** Without a file it is kept in memory alone. */
  constructor(file?: string) {
    this.#file = file === undefined ? undefined : openSync(file, 'w');
  }

  /** Milliseconds of the run's clock. */
  now(): number {
    return Math.round(performance.now() * 1000) / 1000;
  }

  write(entry: Entry, at: number = this.now()): void {
    this.lines.push({ at, ...entry } as Line);
    if (this.lines.length - this.#written >= BUFFER_LINES) this.#flush();
  }

  /** The number of a new call, which its later lines name. */
  nextCall(): number {
    return ++this.#calls;
  }

  close(): void {
    this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #flush(): void {
    const fresh = this.lines.slice(this.#written);
    this.#written = this.lines.length;
    if (this.#file !== undefined) writeSync(this.#file, fresh.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

/** Stands for a body in a history: who compares two of them compares the bodies. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
