import { accessSync, chmodSync, constants, mkdirSync } from 'node:fs';
import type { StackPaths } from './paths.ts';
import { Problem } from './problem.ts';

/**
 * Makes the folders of a stack. They are closed to other users; as root, the data folder itself lets Postgres's user pass
 * through to its own.
 */
export function openDataDirectory(paths: StackPaths): void {
  try {
    mkdirSync(paths.data, { recursive: true });
    accessSync(paths.data, constants.W_OK | constants.X_OK);
    chmodSync(paths.data, process.getuid?.() === 0 ? 0o711 : 0o700);
    for (const folder of [paths.run, paths.logs, paths.services]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const wayOut = 'run as the user who owns the folder, or remove the folder';
    throw new Problem(`the data folder ${paths.data} cannot be used: ${(error as Error).message}`, wayOut, {
      cause: error,
    });
  }
}
