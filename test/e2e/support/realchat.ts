import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Mesh } from './mesh.ts';

const bootstrap = fileURLToPath(new URL('../../../tools/bootstrap.mjs', import.meta.url));

/** How a command ended. */
export interface CommandEnd {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A command under way. */
export interface RunningCommand {
  /** What it has said so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Ctrl-C. */
  interrupt(): void;
  ended: Promise<CommandEnd>;
}

/** Runs `realchat` on a mesh as a process of its own, with its session in a folder. */
export function realchat(
  mesh: Mesh,
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandEnd> {
  return startRealchat(mesh, folder, args, env).ended;
}

/** As `realchat`, for what goes on until it is interrupted. */
export function startRealchat(
  { tls, certificateAuthorityFile, stack }: Mesh,
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): RunningCommand {
  return startScript(['realchat', ...args], {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    REALCHAT_URL: tls,
    NODE_EXTRA_CA_CERTS: certificateAuthorityFile,
    DATABASE_URL: stack.environment('operations').DATABASE_URL ?? '',
    ...env,
  });
}

/** Runs one of the npm scripts with its arguments, as a process of its own that has this environment and the path. */
export function runScript(args: readonly string[], env: Record<string, string> = {}): Promise<CommandEnd> {
  return startScript(args, env).ended;
}

/** As `runScript`, for what goes on until it is interrupted. */
export function startScript(args: readonly string[], env: Record<string, string> = {}): RunningCommand {
  const child = spawn(process.execPath, [bootstrap, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  return { stdout: () => stdout, stderr: () => stderr, interrupt: () => child.kill('SIGINT'), ended };
}

/** The lines of a command with `--json`. Throws when it did not end with 0. */
export async function realchatJson(
  mesh: Mesh,
  folder: string,
  args: readonly string[],
): Promise<Record<string, unknown>[]> {
  const { exitCode, stdout, stderr } = await realchat(mesh, folder, [...args, '--json']);
  if (exitCode !== 0) throw new Error(`realchat ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return jsonLines(stdout);
}

/** What a command with `--json` has said. A last line that is not whole yet is left out. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
