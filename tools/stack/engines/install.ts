import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withLock } from '../file-lock.ts';
import { engineCache } from '../paths.ts';
import type { Progress } from '../progress.ts';

/** A folder of the engine cache and how it is filled. */
export interface Installation {
  name: string;
  version: string;
  /** What the progress line says, such as `fetching Kafka 4.4.0 (43 MB)`. */
  label: string;
  /** Fills an empty folder. If it throws, nothing is kept. */
  fill: (folder: string) => Promise<void>;
}

/**
 * Answers the folder of an engine in the cache, filling it first when it is not there. The folder appears whole or not
 * at all, and two starts at the same time fill it once.
 */
export async function ensureInstalled(
  installation: Installation,
  progress: Progress,
  cache: string = engineCache(),
): Promise<string> {
  const target = join(cache, `${installation.name}-${installation.version}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  await withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return;
    await discardPartial(cache, basename(target));
    await progress.step(installation.label, async () => {
      const draft = await mkdtemp(`${target}.partial-`);
      try {
        await installation.fill(draft);
        await rename(draft, target);
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    });
  });
  return target;
}

/** What a start that was killed half way left behind. The lock is held, so nobody works on it. */
async function discardPartial(cache: string, name: string): Promise<void> {
  const left = (await readdir(cache)).filter((entry) => entry.startsWith(`${name}.partial-`));
  await Promise.all(left.map((entry) => rm(join(cache, entry), { recursive: true, force: true })));
}
