import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './result.ts';

const FOLDER = fileURLToPath(new URL('../results', import.meta.url));

/** The stored result that was begun last; undefined when there is none. */
export function newestResult(folder: string = FOLDER): BenchResult | undefined {
  mkdirSync(folder, { recursive: true });
  const results = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as BenchResult);
  return results.toSorted((a, b) => a.date.localeCompare(b.date)).at(-1);
}

/** Stores a result under its date and commit; answers the file. */
export function storeResult(result: BenchResult, folder: string = FOLDER): string {
  const file = join(folder, `${result.date.slice(0, 10)}-${result.commit.replace('+', '-changed')}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
  return file;
}
