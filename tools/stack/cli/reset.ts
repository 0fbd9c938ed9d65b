import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { removePostgresFolder } from '../engines/postgres-files.ts';
import { tryLock } from '../file-lock.ts';
import { stopOrphans } from '../orphans.ts';
import { stackPaths } from '../paths.ts';
import { streamProgress } from '../progress.ts';
import { launcherLock } from '../stack.ts';
import { stopOrder } from '../stack-options.ts';

/** `npm run reset`: wipes the data folder after asking. Answers the exit code. */
export async function reset({ dataDir, yes }: { dataDir: string; yes: boolean }): Promise<number> {
  const progress = streamProgress(process.stdout);
  if (!existsSync(dataDir)) {
    progress.say('There is nothing to wipe.');
    return 0;
  }
  if (!yes && !(await confirmed(`Wipe ${dataDir} with all accounts and messages in it? [y/N] `))) {
    progress.say('Nothing was wiped.');
    return 1;
  }
  const paths = stackPaths(dataDir);
  const holder = tryLock(launcherLock(paths));
  if (holder) {
    progress.say(`RealChat runs on it (process ${holder.pid}): stop it first.`);
    return 1;
  }
  await stopOrphans(paths.run, stopOrder, progress);
  await progress.step(`wiping ${dataDir}`, async () => {
    await removePostgresFolder(paths.postgres);
    await rm(dataDir, { recursive: true, force: true });
  });
  return 0;
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write('Nobody is there to ask; say --yes.\n');
    return false;
  }
  const dialogue = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await dialogue.question(question)).trim());
  } finally {
    dialogue.close();
  }
}
