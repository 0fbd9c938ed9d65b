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

/** Runs `realchat` on a mesh as a process of its own, with its session in a folder. */
export function realchat(
  { tls, certificateAuthorityFile, stack }: Mesh,
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandEnd> {
  return runScript(['realchat', ...args], {
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
  const child = spawn(process.execPath, [bootstrap, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

/** The lines of a command with `--json`. Throws when it did not end with 0. */
export async function realchatJson(
  mesh: Mesh,
  folder: string,
  args: readonly string[],
): Promise<Record<string, unknown>[]> {
  const { exitCode, stdout, stderr } = await realchat(mesh, folder, [...args, '--json']);
  if (exitCode !== 0) throw new Error(`realchat ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
