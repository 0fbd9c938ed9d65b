import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProject } from '../../../tools/compose-check/load-project.ts';
import type { ComposeProject } from '../../../tools/compose-check/project.ts';
import { repositoryRoot } from '../../../tools/stack/paths.ts';
import { silentProgress } from '../../../tools/stack/progress.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';

/** The compose file of the repository. */
export const composeFile = join(repositoryRoot, 'docker-compose.yml');

/**
 * The repository's compose file as docker compose would read it beside a .env that tools/compose-env.mjs has just made.
 * `change` may change that text first.
 */
export async function loadComposeFile(change: (env: string) => string = (env) => env): Promise<ComposeProject> {
  const folder = await mkdtemp(join(tmpdir(), 'realchat-compose-env-'));
  try {
    await runCommand(process.execPath, [join(repositoryRoot, 'tools', 'compose-env.mjs'), folder]);
    const file = join(folder, '.env');
    await writeFile(file, change(await readFile(file, 'utf8')));
    return await loadProject(composeFile, file, silentProgress);
  } finally {
    await rm(folder, { recursive: true });
  }
}
