import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Progress, silentProgress } from '@realchat/stack';
import { ensureGo, goEnvironment } from '../../../tools/compose-check/go.ts';
import { ensureInstalled } from '../../../tools/stack/engines/install.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';

const MODULE = fileURLToPath(new URL('build/', import.meta.url));
const SERVER = 'github.com/Shopify/toxiproxy/v2/cmd/server';

/** The program of toxiproxy, built at the first use from the modules that build/go.sum names. */
export async function ensureToxiproxy(progress: Progress = silentProgress): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(MODULE, file)));
  const folder = await ensureInstalled(
    {
      name: 'toxiproxy',
      version: hash.digest('hex').slice(0, 16),
      label: 'building toxiproxy',
      async fill(target) {
        const args = ['build', '-trimpath', '-o', join(target, 'toxiproxy'), SERVER];
        await runCommand(await ensureGo(progress), args, { cwd: MODULE, env: goEnvironment() });
      },
    },
    progress,
  );
  return join(folder, 'toxiproxy');
}
