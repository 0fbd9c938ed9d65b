import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { chmod, copyFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem, type Progress, silentProgress } from '@realchat/stack';
import { ensureInstalled } from '../../../tools/stack/engines/install.ts';
import { stackPaths } from '../../../tools/stack/paths.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';

const COMPILER = 'cc';
const SOURCE = fileURLToPath(new URL('full-disk.c', import.meta.url));

/** Whose files are on a disk that can be full, and in which folder of the stack those are. */
const FOLDERS = { postgres: 'postgres', kafka: 'kafka', messaging: 'logs' } as const;
export type DiskOwner = keyof typeof FOLDERS;

/** Why no disk can be full on this machine; undefined when it can. Needs no privilege, and a compiler for one small file. */
export function whyNoFullDisk(platform: string = process.platform): string | undefined {
  if (platform !== 'linux')
    return `what stands between a process and its disk is made for Linux, and this is ${platform}`;
  if (spawnSync(COMPILER, ['--version']).status === 0) return undefined;
  return 'what stands between a process and its disk is built at the first use, and there is no C compiler (cc)';
}

/** Disks of processes that can be full while they run: full-disk.c tells what they are told then. */
export class Disks {
  readonly #folder: string;
  readonly #env = new Map<DiskOwner, Record<string, string>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Gives each of them such a disk, before anything runs; nobody needs no compiler. */
  static async create(
    owners: readonly DiskOwner[],
    dataDir: string,
    progress: Progress = silentProgress,
  ): Promise<Disks> {
    // As the kernel tells the paths of open files.
    const folder = realpathSync(dataDir);
    const disks = new Disks(folder);
    if (owners.length === 0) return disks;
    // Beside the data, where Postgres' user comes too.
    const library = join(folder, 'full-disk.so');
    await copyFile(await ensureLibrary(progress), library);
    await chmod(library, 0o755);
    for (const owner of owners) {
      await writeFile(disks.#refusedFile(owner), '');
      await chmod(disks.#refusedFile(owner), 0o666);
      disks.#env.set(owner, {
        LD_PRELOAD: library,
        FULL_DISK_SWITCH: disks.#switchFile(owner),
        FULL_DISK_FOLDER: stackPaths(folder)[FOLDERS[owner]],
        FULL_DISK_REFUSED: disks.#refusedFile(owner),
      });
    }
    return disks;
  }

  /** What the process is to be started with. */
  env(owner: DiskOwner): Record<string, string> {
    return this.#env.get(owner) ?? {};
  }

  async fill(owner: DiskOwner): Promise<void> {
    await writeFile(this.#switchFile(owner), '');
  }

  async free(owner: DiskOwner): Promise<void> {
    await rm(this.#switchFile(owner), { force: true });
  }

  /** How many writes were refused so far. */
  async refused(owner: DiskOwner): Promise<number> {
    return (await stat(this.#refusedFile(owner))).size;
  }

  #switchFile(owner: DiskOwner): string {
    return join(this.#folder, `disk-of-${owner}-is-full`);
  }

  #refusedFile(owner: DiskOwner): string {
    return join(this.#folder, `disk-of-${owner}-refused`);
  }
}

async function ensureLibrary(progress: Progress): Promise<string> {
  const reason = whyNoFullDisk();
  if (reason) throw new Problem('no disk can be full here', reason);
  const folder = await ensureInstalled(
    {
      name: 'full-disk',
      version: createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16),
      label: 'building what stands between a process and its disk',
      async fill(target) {
        const output = ['-o', join(target, 'full-disk.so')];
        await runCommand(COMPILER, ['-O2', '-shared', '-fPIC', ...output, SOURCE, '-ldl']);
      },
    },
    progress,
  );
  return join(folder, 'full-disk.so');
}
