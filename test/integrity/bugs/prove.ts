import { faultsOf } from '../faults/catalogue.ts';
import { readHistory } from '../history/read-history.ts';
import { makeReport, type Report } from '../run/report.ts';
import { type OwnMeshOptions, runAgainstOwnMesh } from '../run/targets.ts';
import type { Bug } from './bugs.ts';

/** What the suite said of a mesh with a bug in it. */
export interface Proof {
  bug: string;
  /** What was found broken: ids of invariants, and `duplicates`. */
  found: string[];
  /** Whether what the bug breaks is among it. */
  isFound: boolean;
  /** The first counter-example of it. */
  example: string | undefined;
  report: Report;
}

/** Runs the faults under which a bug shows against a mesh that has it. */
export async function prove(bug: Bug, options: Omit<OwnMeshOptions, 'faults' | 'env' | 'instances'>): Promise<Proof> {
  const preload = new URL('preload.ts', import.meta.url);
  const variables = { INTEGRITY_BUG: bug.name, NODE_OPTIONS: `--import=${preload.href}` };
  const env = Object.fromEntries(bug.services.map((service) => [service, variables]));
  const lines = await runAgainstOwnMesh({ ...options, faults: faultsOf(bug.faults), env, instances: 2 });
  const report = makeReport(readHistory(lines), { seed: options.seed, commit: options.commit, command: bug.name });
  const broken = report.verdicts.filter(({ verdict }) => verdict === false);
  const duplicates = report.ceilings.some(({ id, kept }) => id === 'duplicates' && kept === false);
  const found = [...broken.map(({ id }) => id), ...(duplicates ? ['duplicates'] : [])];
  const example = broken.find(({ id }) => id === bug.breaks)?.counterExample?.text;
  return { bug: bug.name, found, isFound: found.includes(bug.breaks), example, report };
}
