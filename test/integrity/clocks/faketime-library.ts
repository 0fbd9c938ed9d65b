import { join } from 'node:path';
import { Problem, type Progress, silentProgress, versions } from '@realchat/stack';
import { ensureInstalled } from '../../../tools/stack/engines/install.ts';
import { installWheel } from '../../../tools/stack/engines/python.ts';
import { wheels } from '../../../tools/stack/versions.ts';

/** Why the clock of a process cannot be moved on this machine; undefined when it can. */
export function whyNoClocks(platform: string = process.platform, arch: string = process.arch): string | undefined {
  if (platform === 'linux' && arch === 'x64') return undefined;
  return `libfaketime comes built for Linux on x86-64 alone, and this is ${platform} on ${arch}`;
}

/** The library that tells a process another time, fetched at the first use. Throws a Problem where there is none. */
export async function ensureFaketime(progress: Progress = silentProgress): Promise<string> {
  const reason = whyNoClocks();
  if (reason) throw new Problem('no clock can be moved here', reason);
  const folder = await ensureInstalled(
    {
      name: 'libfaketime',
      version: versions.libfaketime,
      label: `fetching libfaketime ${versions.libfaketime} (0.1 MB)`,
      fill: (target) => installWheel(wheels.libfaketime, target),
    },
    progress,
  );
  return join(folder, 'libfaketime', 'vendor', 'libfaketime', 'src', 'libfaketime.so.1');
}
