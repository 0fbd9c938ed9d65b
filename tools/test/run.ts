import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { checks } from './checks.ts';
import { type Report, redIn } from './red.ts';

// Runs every check and every test, and ends with the line `N passed, N failed`. `npm test -- unit` runs one kind alone:
// checks, unit, int, e2e.

const RESULTS = '.realchat/test-results';
const kinds = ['checks', 'unit', 'int', 'e2e'];
const asked = process.argv.slice(2).filter((arg) => kinds.includes(arg));
const wanted = asked.length ? asked : kinds;

interface Tally {
  passed: number;
  failed: number;
  /** The names of what is not green. */
  red: string[];
}

mkdirSync(RESULTS, { recursive: true });
const total: Tally = { passed: 0, failed: 0, red: [] };
for (const kind of wanted) {
  const begin = Date.now();
  process.stdout.write(`\n== ${kind}\n`);
  const tally = kind === 'checks' ? await runChecks() : await runTests(kind);
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.red.push(...tally.red.map((name) => `${kind}: ${name}`));
  const seconds = Math.round((Date.now() - begin) / 1000);
  process.stdout.write(`== ${kind}: ${tally.passed} passed, ${tally.failed} failed in ${seconds} s\n`);
}
for (const name of total.red) process.stdout.write(`\n✗ ${name}`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runChecks(): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, red: [] };
  for (const check of checks) {
    const begin = Date.now();
    const { code, output } = await run(check.command, check.args);
    process.stdout.write(`${code === 0 ? '✓' : '✗'} ${check.name} (${Date.now() - begin} ms)\n`);
    if (code === 0) tally.passed++;
    else {
      tally.failed++;
      tally.red.push(check.name);
      process.stdout.write(`${output.trimEnd().replace(/^/gm, '    ')}\n`);
    }
  }
  return tally;
}

async function runTests(kind: string): Promise<Tally> {
  const results = `${RESULTS}/${kind}.json`;
  const args = ['run', '--project', kind, '--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const begin = Date.now();
  const { code } = await run('vitest', args, 'inherit');
  return tallyOf(results, code, begin);
}

/** A skipped test is a failed test, and so is a run that died without a report or failed outside any test. */
function tallyOf(results: string, code: number, begin: number): Tally {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, red: ['the run left no report'] };
  }
  if (report.startTime < begin - 1000) return { passed: 0, failed: 1, red: ['the run left no report'] };
  const red = redIn(report);
  const failed = Math.max(report.numTotalTests - report.numPassedTests, red.length);
  if (failed > 0 || code === 0) return { passed: report.numPassedTests, failed, red };
  return { passed: report.numPassedTests, failed: 1, red: ['something failed outside of any test'] };
}

function run(
  command: string,
  args: string[],
  output: 'inherit' | 'pipe' = 'pipe',
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', output, output] });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', (error) => resolve({ code: 127, output: `${error.message}\n` }));
    child.on('exit', (code) => resolve({ code: code ?? 1, output: text }));
  });
}
