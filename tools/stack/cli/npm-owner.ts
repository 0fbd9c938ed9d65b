import { commandLineOf, identityOf, type ProcessIdentity, parentOf } from '../process-identity.ts';

const GENERATIONS = 5;

/**
 * The npm that runs this launcher for someone; undefined when there is none (or it cannot be told: only Linux shows it).
 * Between it and us are a shell and the bootstrap. When it is killed nobody can press Ctrl-C for us any more.
 */
export function npmOwner(env: NodeJS.ProcessEnv = process.env): ProcessIdentity | undefined {
  if (env['npm_lifecycle_event'] === undefined) return undefined;
  let pid: number | undefined = process.ppid;
  for (let generation = 0; pid !== undefined && generation < GENERATIONS; generation++) {
    if (isNpm(commandLineOf(pid))) return identityOf(pid);
    pid = parentOf(pid);
  }
  return undefined;
}

/** npm renames itself to what was asked of it (`npm start`); before that it is Node with npm's own file. */
export function isNpm(commandLine: string): boolean {
  return /^npm( |$)|\/npm(-cli\.js)?( |$)/.test(commandLine);
}
