import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { httpAnswers } from './http-probe.ts';
import { machineEnvironment } from './machine-environment.ts';
import type { MeshProcess } from './mesh.ts';
import { compileCache, repositoryRoot } from './paths.ts';
import { HEAP_LIMIT, NATIVE_MEMORY, YOUNG_GENERATION } from './process-memory.ts';
import type { ProcessSpec } from './process-spec.ts';
import { runCommand } from './run-command.ts';

/** A little more than the time in which a service stops by itself or gives up. */
const GRACE_MS = 20_000;

/** How to run a process of the mesh. It is ready when its `/readyz` says so. */
export function meshSpec(row: MeshProcess): ProcessSpec {
  return {
    name: row.name,
    command: process.execPath,
    args: [HEAP_LIMIT, YOUNG_GENERATION, join(repositoryRoot, row.entry)],
    env: environment(row),
    cwd: repositoryRoot,
    ready: () => httpAnswers(`http://127.0.0.1:${row.opsPort}/readyz`),
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    graceMs: GRACE_MS,
  };
}

/** Brings a service's tables up to date. Nothing to do when it has none. */
export async function migrate(row: MeshProcess): Promise<void> {
  if (!row.migration || !existsSync(join(repositoryRoot, row.migration))) return;
  await runCommand(process.execPath, [row.migration], { cwd: repositoryRoot, env: environment(row) });
}

function environment({ env }: MeshProcess): Record<string, string> {
  return { ...machineEnvironment(), ...NATIVE_MEMORY, NODE_COMPILE_CACHE: compileCache(), ...env };
}
