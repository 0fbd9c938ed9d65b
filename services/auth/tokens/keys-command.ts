import type { Pool } from '@realchat/db';
import { promoteNextKey, readSigningKeys, type StoredKey, withdrawKey } from '../db/signing-keys.ts';
import type { KeyTimes } from '../domain/key-times.ts';
import type { Sealer } from '../domain/sealed-secret.ts';
import { makeKey } from './new-key.ts';

const USAGE = `usage: node services/auth/keys-main.ts <command>
  list                the keys that are published
  rotate              has the next key sign from now on, which is published already
  withdraw <key id>   takes a key out at once, for when somebody may have it: its tokens are refused within 90 s`;

/** An operator's command over the signing keys; answers what to print. Throws when it cannot be done. */
export async function runKeysCommand(
  args: readonly string[],
  { pool, sealer, times }: { pool: Pool; sealer: Sealer; times: KeyTimes },
): Promise<string> {
  const [command, keyId] = args;
  if (command === 'rotate' && args.length === 1) await promoteNextKey(pool, times);
  else if (command === 'withdraw' && keyId && args.length === 2) await withdrawKey(pool, keyId, await makeKey(sealer));
  else if (command !== 'list' || args.length !== 1) throw new Error(USAGE);
  return tableOf(await readSigningKeys(pool));
}

function tableOf(keys: StoredKey[]): string {
  const now = Date.now();
  const signing = keys.findLast((key) => key.signFrom <= now);
  const line = (key: StoredKey) => {
    const state = key === signing ? 'signs' : key.signFrom > now ? 'next' : 'verifies';
    const until = key.publishUntil === undefined ? '-' : new Date(key.publishUntil).toISOString();
    return `${key.keyId}  ${state.padEnd(8)}  ${new Date(key.signFrom).toISOString()}  ${until}\n`;
  };
  return `${'key id'.padEnd(43)}  state     signs from                published until\n${keys.map(line).join('')}`;
}
