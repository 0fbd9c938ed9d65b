import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reportOf } from './report.ts';
import type { BenchResult } from './result.ts';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const BEGIN = '<!-- figures: made by npm run bench from the newest result, not by hand -->\n';
const END = '<!-- end of figures -->\n';

/** The page with the figures of a result, if there is one, between its marks. Throws when the marks are not there. */
export function pageWith(page: string, result: BenchResult | undefined): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the page has no place for figures');
  const figures = result ? reportOf(result) : 'No result is stored yet.\n';
  return `${page.slice(0, begin)}${BEGIN}\n${figures}\n${page.slice(end)}`;
}

/** `docs/performance.md` as it is. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** Puts the figures of a result into `docs/performance.md`. */
export function writePage(result: BenchResult): void {
  writeFileSync(PAGE, pageWith(readPage(), result));
}
