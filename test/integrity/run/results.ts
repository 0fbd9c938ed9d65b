import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@realchat/stack';
import { type Report, tellReport } from './report.ts';

/** Where runs of one series are kept, with what they are to be. */
export interface Series {
  folder: string;
  seeds: number[];
  /** The arguments of the first call. */
  args: string[];
}

const ROOT = join(repositoryRoot, '.realchat', 'integrity');

/** A folder of its own for a new series; `--resume` finds it again. */
export function newSeries(seed: number, runs: number, args: string[]): Series {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15);
  const folder = join(ROOT, `${stamp}-${seed}`);
  mkdirSync(folder, { recursive: true });
  const series = { folder, seeds: Array.from({ length: runs }, (_, i) => seed + i), args };
  writeFileSync(join(folder, 'series.json'), `${JSON.stringify({ seeds: series.seeds, args }, null, 2)}\n`);
  return series;
}

/** The series in a folder, less what is done. */
export function resumeSeries(folder: string): Series {
  const { seeds, args } = JSON.parse(readFileSync(join(folder, 'series.json'), 'utf8')) as Omit<Series, 'folder'>;
  return { folder, seeds: seeds.filter((seed) => !existsSync(join(runFolder(folder, seed), 'report.json'))), args };
}

/** The folder of one run. */
export function runFolder(folder: string, seed: number): string {
  const run = join(folder, `seed-${seed}`);
  mkdirSync(run, { recursive: true });
  return run;
}

export function keepReport(folder: string, report: Report): void {
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'report.txt'), tellReport(report));
}

/** The commit that is tested; `+` when there are changes that are in none. */
export function commitOfTree(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
