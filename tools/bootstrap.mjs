// The entry of every npm command, in plain JavaScript for Node 18 and newer: installs the packages of the lockfile when
// they are missing or others, then goes on with Node 24, which npm brings along.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPrerequisites, main as prerequisites } from './prerequisites.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');
const OLDEST_NODE = 24;
const REMIND_MS = 10_000;

const ENTRIES = {
  start: ['tools/stack/cli.ts', 'start'],
  reset: ['tools/stack/cli.ts', 'reset'],
  test: ['tools/test/run.ts'],
  integrity: ['test/integrity/main.ts'],
  bounds: ['test/bounds/main.ts'],
  generate: ['tools/generate.ts'],
  bench: ['bench/main.ts'],
  realchat: ['clients/cli/main.ts'],
};
/** `realchat ops` needs the database, and no client has one. */
const OPERATORS = ['tools/stack/ops-main.ts'];

const [verb = '', ...args] = process.argv.slice(2);
process.exitCode = await run(verb, args);

async function run(verb, args) {
  process.chdir(root);
  if (verb === 'prerequisites') return prerequisites(args);
  const isOps = verb === 'realchat' && args[0] === 'ops';
  const entry = isOps ? OPERATORS : ENTRIES[verb];
  if (!entry)
    return refuse(`there is no command ${JSON.stringify(verb)}; there are ${Object.keys(ENTRIES).join(', ')}`);
  if (verb === 'test' && !checkPrerequisites()) return fail(verb);
  if (!(await ensurePackages())) return fail(verb);
  const node = findNode();
  if (!node) {
    refuse(
      `npm brought no Node ${OLDEST_NODE} for ${process.platform}-${process.arch}: install Node ${OLDEST_NODE} or newer`,
    );
    return fail(verb);
  }
  return passOn(node, [...entry, ...(isOps ? args.slice(1) : args)]);
}

/** Tests end with their tally even when they could not begin. */
function fail(verb) {
  if (verb === 'test') process.stdout.write('0 passed, 1 failed\n');
  return 1;
}

function refuse(message) {
  process.stderr.write(`✗ ${message}\n`);
  return 2;
}

/** Installs what the lockfile names, unless exactly that is there. */
async function ensurePackages() {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lockfile).digest('hex');
  const stamp = join(root, 'node_modules', '.realchat-lockfile');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && existsSync(binaries)) return true;
  if (!isInstalled(JSON.parse(lockfile)) && !(await install())) return false;
  writeFileSync(stamp, hash);
  return true;
}

/** Whether somebody's own `npm install` brought just what the lockfile names. Packages of other platforms may be missing. */
function isInstalled(lockfile) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const found = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const same = (path, wanted) => (found[path] ? found[path].version === wanted.version : wanted.optional === true);
  return Object.entries(lockfile.packages).every(
    ([path, wanted]) => !path.startsWith('node_modules/') || wanted.link || (same(path, wanted) && existsIfFound(path)),
  );

  function existsIfFound(path) {
    return !found[path] || existsSync(join(root, path));
  }
}

async function install() {
  const begin = Date.now();
  const seconds = () => `${Math.round((Date.now() - begin) / 1000)} s`;
  process.stdout.write('  … installing npm packages\n');
  const reminder = setInterval(() => process.stdout.write(`  … installing npm packages ${seconds()}\n`), REMIND_MS);
  // Install scripts are not run: what we need of them is done where it is needed.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const child = spawn(command, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await ended(child, command);
  clearInterval(reminder);
  if (code === 0) process.stdout.write(`  ✓ installing npm packages (${seconds()})\n`);
  else process.stderr.write(`${output}✗ npm ci ended with ${code}; the usual cause is the network: try again\n`);
  return code === 0;
}

/** The Node that npm brought; on a platform for which it has none, the machine's own when it is new enough. */
function findNode() {
  return [join(binaries, 'node'), process.execPath, 'node'].find((candidate) => {
    const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8' });
    return Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]) >= OLDEST_NODE;
  });
}

/** Runs a command in our place: its streams, its signals, its exit code. */
function passOn(command, args) {
  const path = [binaries, process.env.PATH].filter(Boolean).join(delimiter);
  return ended(spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH: path } }), command);
}

/** Passes signals on to a child until it ends, and answers its exit code. */
function ended(child, command) {
  const forward = (signal) => {
    // The terminal gives Ctrl-C to the child as well.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    const end = (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`✗ ${command}: ${error.message}\n`);
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
