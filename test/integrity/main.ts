import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@realchat/stack';
import { bugOf, bugs } from './bugs/bugs.ts';
import { control, type Finding, prove } from './bugs/prove.ts';
import { absentHere, catalogue, faultsOf, leftOutOf } from './faults/catalogue.ts';
import type { Fault } from './faults/field.ts';
import { parseLines, readHistory } from './history/read-history.ts';
import { type Options, parseOptions, USAGE } from './run/options.ts';
import { chooseFaults } from './run/plan.ts';
import { randomFrom } from './run/random.ts';
import { makeReport, type Report, tellReport } from './run/report.ts';
import { commitOfTree, keepReport, newSeries, resumeSeries, runFolder } from './run/results.ts';
import { runAgainstAddress, runAgainstOwnMesh } from './run/targets.ts';

const EXIT = { true: 0, false: 1, unknown: 3 };

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`✗ ${error.message}: ${error.wayOut}\n`);
  process.exitCode = 2;
}

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) return tell(USAGE);
  if (options.list) {
    const missing = absentHere();
    const here = catalogue.filter(({ id }) => !missing.some((each) => each.id === id));
    const rows = [...here.map(({ id, title }) => [id, title]), ...bugs.map(({ name, title }) => [name, title])];
    const absent = missing.map(({ id, title, reason }) => [id, `${title}; cannot be run: ${reason}`]);
    return tell([...rows, ...absent].map(([name = '', title]) => `${name.padEnd(24)} ${title}\n`).join(''));
  }
  if (options.check !== undefined) return judge(options.check);
  if (options.bugs.length > 0) return proveAll(options, args);
  return runSeries(options, args);
}

/** Each bug must be found by what it breaks, and nothing under the same load and faults without it. */
async function proveAll(options: Options, args: string[]): Promise<number> {
  const { folder } = newSeries(options.seed, 1, args);
  const chosen = options.bugs.includes('all') ? bugs : options.bugs.map(bugOf);
  const commit = commitOfTree();
  const runOf = (name: string) => ({ ...options, file: join(folder, `${name}.jsonl`), commit, say });
  const keep = (name: string, report: Report) => writeFileSync(join(folder, `${name}.txt`), tellReport(report));
  const controls = new Map<string, Finding>();
  const verdicts: string[] = [];
  let missed = 0;
  for (const bug of chosen) {
    const faults = bug.faults.join(',') || 'load alone';
    let without = controls.get(faults);
    if (!without) {
      tell(`${faults}, without a bug\n`);
      const name = `without-${bug.faults.join('-') || 'faults'}`;
      without = await control(bug.faults, runOf(name));
      keep(name, without.report);
      controls.set(faults, without);
    }
    tell(`${bug.name}: ${bug.title}\n`);
    const { found, isFound, example, report } = await prove(bug, runOf(bug.name));
    keep(bug.name, report);
    // What is unknown is no clean control.
    const isProven = isFound && without.found.length === 0 && without.report.verdict === true;
    if (!isProven) missed++;
    const words = `${bug.name} breaks ${bug.breaks}: found ${listed(found)}; without it ${listed(without.found)} (${faults}: ${without.report.verdict})`;
    verdicts.push(`${isProven ? '✓' : '✗'} ${words}${example === undefined ? '' : `\n    ${example}`}`);
  }
  tell(`\nseed ${options.seed}, commit ${commit}\n${verdicts.join('\n')}\nresults: ${folder}\n`);
  return missed === 0 ? 0 : 1;
}

function listed(found: readonly string[]): string {
  return found.join(', ') || 'nothing';
}

function judge(file: string): number {
  const history = readHistory(parseLines(readFileSync(file, 'utf8')));
  const report = makeReport(history, { seed: history.seed, commit: commitOfTree(), command: `--check ${file}` });
  tell(tellReport(report));
  return EXIT[`${report.verdict}`];
}

async function runSeries(given: Options, args: string[]): Promise<number> {
  const series = given.resume === undefined ? newSeries(given.seed, given.runs, args) : resumeSeries(given.resume);
  const options = given.resume === undefined ? given : parseOptions(series.args);
  let worst = 0;
  tell(`keeping results in ${series.folder}; should this break off, go on with --resume and that folder\n`);
  for (const seed of series.seeds) {
    tell(`seed ${seed}\n`);
    const report = await runOnce({ ...options, seed }, runFolder(series.folder, seed), series.args.join(' '));
    tell(`\n${tellReport(report)}\n`);
    worst = Math.max(worst, EXIT[`${report.verdict}`] === 1 ? 4 : EXIT[`${report.verdict}`]);
  }
  tell(`results: ${series.folder}\n`);
  return worst === 4 ? 1 : worst;
}

async function runOnce(options: Options, folder: string, command: string): Promise<Report> {
  const about = { seed: options.seed, commit: commitOfTree(), command };
  const file = join(folder, 'history.jsonl');
  const lines =
    options.address === undefined
      ? await runAgainstOwnMesh({
          ...options,
          faults: chosen(options),
          leftOut: leftOutOf(options.faults),
          file,
          commit: about.commit,
          say,
        })
      : await runAgainstAddress({ ...options, address: options.address, file, commit: about.commit, say });
  const report = makeReport(readHistory(lines), about);
  keepReport(folder, report);
  return report;
}

function chosen({ faults, minutes, seed }: Options): readonly Fault[] {
  return faults.includes('random') ? chooseFaults(faultsOf(['all']), minutes, randomFrom(seed)) : faultsOf(faults);
}

function say(text: string): void {
  tell(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

function tell(text: string): number {
  process.stdout.write(text);
  return 0;
}
