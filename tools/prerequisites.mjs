// What npm start and npm test need from the machine besides Node and npm. Plain JavaScript for Node 18 and newer.
//   npm run prerequisites                       lists what is missing
//   sudo npm run prerequisites -- --install     installs it on Debian and Ubuntu
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE_MANAGER = 'apt-get';
const INSTALL = 'sudo npm run prerequisites -- --install';

/** Each: what it is, what for, how to see it, and the packages of Debian that bring it. */
const PREREQUISITES = [
  {
    name: 'Python 3.10 or newer with venv',
    purpose: 'fetches Valkey and Envoy',
    packages: ['python3', 'python3-venv'],
    isThere: () =>
      succeeds('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 10))') &&
      (succeeds('python3', '-m', 'pip', '--version') || succeeds('python3', '-c', 'import venv, ensurepip')),
  },
  {
    name: 'Java 17 or newer',
    purpose: 'runs Kafka and Maven',
    packages: ['default-jre-headless'],
    isThere: () => Number(/version "(?:1\.)?(\d+)/.exec(output('java', '-version'))?.[1]) >= 17,
  },
  {
    name: 'Maven',
    purpose: 'fetches Kafka',
    packages: ['maven'],
    isThere: () => isOnPath('mvn'),
  },
  {
    name: 'Chromium',
    purpose: 'is the browser of the tests',
    packages: ['chromium'],
    isThere: () => ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].some(isOnPath),
  },
  {
    name: 'curl',
    purpose: 'is a client of the tests',
    packages: ['curl'],
    isThere: () => isOnPath('curl'),
  },
];

/** Says what is missing, all of it, and how to get it. Answers whether everything is there. */
export function checkPrerequisites() {
  const missing = PREREQUISITES.filter((one) => !one.isThere());
  for (const { name, purpose } of missing) process.stderr.write(`✗ missing: ${name} (${purpose})\n`);
  if (missing.length > 0) process.stderr.write(`  → ${wayOut(missing)}\n`);
  return missing.length === 0;
}

/** The command. Answers its exit code. */
export function main(args) {
  if (args.includes('--install')) install();
  if (!checkPrerequisites()) return 1;
  process.stdout.write('  ✓ everything that npm start and npm test need is there\n');
  return 0;
}

function install() {
  const packages = PREREQUISITES.filter((one) => !one.isThere()).flatMap((one) => one.packages);
  if (packages.length === 0 || !isOnPath(PACKAGE_MANAGER)) return;
  if (process.getuid?.() !== 0) {
    process.stderr.write(`✗ only root can install: ${INSTALL}\n`);
    return;
  }
  process.stdout.write(`  … installing ${packages.join(', ')}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    spawnSync(PACKAGE_MANAGER, ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env,
    });
  // An index that is a little old is no reason to stop: the install says itself what it cannot find.
  apt('update');
  apt('install', '--no-install-recommends', ...packages);
}

function wayOut(missing) {
  if (isOnPath(PACKAGE_MANAGER)) return INSTALL;
  return `install ${missing.map((one) => one.name).join(', ')} with the package manager of this system`;
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function output(command, ...args) {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`;
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
