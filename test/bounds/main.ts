import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Problem, repositoryRoot } from '@realchat/stack';
import { commitOfTree } from '../integrity/run/results.ts';
import { type Arena, openArena } from './arena.ts';
import { drainBacklog } from './backlog.ts';
import { type Findings, problemsOf, tellFindings } from './measure.ts';
import { stopReading } from './readers.ts';
import { loseSockets } from './sockets.ts';

const USAGE = `npm run bounds -- [options]

  --readers 60        so many members of a hot conversation cease to read, and read again
  --backlog 1000000   so many messages are committed while every relay is dead, and are published
  --sockets 2000      so many sockets are lost at once, and all resume

Each is run against a mesh of its own, two of every service. Results are kept in .realchat/bounds/.
The exit code is 0 when memory, queues and others stayed within what docs/guarantees.md says, 1 when something did not.
`;

type Scenario = (arena: Arena) => Promise<Findings>;

const READERS_MB = 18;
const LEAST_PER_SECOND = 5_000;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`✗ ${error.message}: ${error.wayOut}\n`);
  process.exitCode = 2;
}

async function main(args: string[]): Promise<number> {
  const scenarios = scenariosOf(args);
  if (scenarios.length === 0) process.stdout.write(USAGE);
  let problems = 0;
  for (const scenario of scenarios) problems += await run(scenario);
  return problems === 0 ? 0 : 1;
}

function scenariosOf(args: string[]): Scenario[] {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ args, options: { readers: text, backlog: text, sockets: text } });
    const { readers, backlog, sockets } = values;
    const scenarios: Scenario[] = [];
    if (readers !== undefined) scenarios.push((arena) => stopReading(arena, count('readers', readers), READERS_MB));
    if (backlog !== undefined)
      scenarios.push((arena) => drainBacklog(arena, count('backlog', backlog), LEAST_PER_SECOND));
    if (sockets !== undefined) scenarios.push((arena) => loseSockets(arena, count('sockets', sockets)));
    return scenarios;
  } catch (error) {
    throw new Problem(error instanceof Error ? error.message : String(error), 'npm run bounds');
  }
}

async function run(scenario: Scenario): Promise<number> {
  const arena = await openArena(say);
  let whole = false;
  try {
    const findings = await scenario(arena);
    const text = `${new Date().toISOString()}, commit ${commitOfTree()}: ${tellFindings(findings)}`;
    process.stdout.write(`\n${text}`);
    keep(text);
    const problems = problemsOf(findings).length;
    whole = problems === 0;
    return problems;
  } finally {
    await arena.close(!whole);
  }
}

function keep(text: string): void {
  const folder = join(repositoryRoot, '.realchat', 'bounds');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}.txt`), text);
}

function count(name: string, given: string): number {
  const value = Number(given);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Problem(`--${name} is ${JSON.stringify(given)}`, 'give a whole number');
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}
