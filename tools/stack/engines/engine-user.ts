import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '../problem.ts';
import type { EngineUser } from '../process-spec.ts';
import { runCommand } from '../run-command.ts';

/**
 * The user for an engine that refuses to run as root (Postgres): undefined unless this is root. Who ran sudo comes first,
 * since the repository is theirs, then `postgres`, then `nobody`.
 */
export async function unprivilegedUser(env: NodeJS.ProcessEnv = process.env): Promise<EngineUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const candidates = [env['SUDO_USER'], 'postgres', 'nobody'];
  for (const name of candidates) {
    if (!name) continue;
    const user = await lookUp(name);
    if (user && user.uid !== 0) return user;
  }
  throw new Problem(
    'Postgres does not run as root, and this machine has no user postgres or nobody',
    'run without root',
  );
}

/** Whether the user can pass through every folder on the way to the path, and into it. Only plain permissions are looked at. */
export function canReach(user: EngineUser, path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const execute = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function lookUp(name: string): Promise<EngineUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([runCommand('id', ['-u', name]), runCommand('id', ['-g', name])]);
    return { name, uid: Number(uid), gid: Number(gid) };
  } catch {
    return undefined;
  }
}
