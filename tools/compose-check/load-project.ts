import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../stack/engines/install.ts';
import type { Progress } from '../stack/progress.ts';
import { runCommand } from '../stack/run-command.ts';
import { ensureGo, goEnvironment } from './go.ts';
import type { ComposeProject } from './project.ts';

const SOURCES = ['main.go', 'go.mod', 'go.sum'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/**
 * Loads a compose file by the library of docker compose itself: merged, checked, with the variables of an environment file.
 * Throws CommandError with all that compose finds wrong.
 */
export async function loadProject(composeFile: string, envFile: string, progress: Progress): Promise<ComposeProject> {
  const output = await runCommand(await ensureComposeCheck(progress), [composeFile, envFile], { env: {} });
  return JSON.parse(output);
}

/** Builds main.go at the first use, and again when it or one of its modules changes. */
async function ensureComposeCheck(progress: Progress): Promise<string> {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(readFileSync(file));
  const folder = await ensureInstalled(
    {
      name: 'compose-check',
      version: hash.digest('hex').slice(0, 16),
      label: 'building the check of compose files',
      async fill(target) {
        const source = fileURLToPath(new URL('.', import.meta.url));
        await runCommand(await ensureGo(progress), ['build', '-trimpath', '-o', target, '.'], {
          cwd: source,
          env: goEnvironment(),
        });
      },
    },
    progress,
  );
  return join(folder, 'compose-check');
}
