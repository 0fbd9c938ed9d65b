import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BenchResult } from './report/result.ts';

/** Keeps what was measured so far, so that a run that was broken off can go on. */
export class Partial {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** What an earlier run of the same commit with the same options has left, if anything. */
  load({ commit, options }: Pick<BenchResult, 'commit' | 'options'>): BenchResult | undefined {
    try {
      const kept = JSON.parse(readFileSync(this.#file, 'utf8')) as BenchResult;
      return kept.commit === commit && isDeepStrictEqual(kept.options, options) ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  save(result: BenchResult): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify(result));
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
