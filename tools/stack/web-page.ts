import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './paths.ts';
import { runCommand } from './run-command.ts';

/** Where the bundled page is. */
export const webRoot = join(repositoryRoot, 'clients', 'web', 'dist');

const BUILD = join('clients', 'web', 'build.ts');

/** Whether there is a page to bundle. */
export function hasWebPage(): boolean {
  return existsSync(join(repositoryRoot, BUILD));
}

/** Bundles the page. */
export async function bundleWebPage(): Promise<void> {
  await runCommand(process.execPath, [BUILD], { cwd: repositoryRoot });
}
