import { faultsOf } from '../faults/catalogue.ts';
import { readHistory } from '../history/read-history.ts';
import { makeReport, type Report } from '../run/report.ts';
import { type OwnMeshOptions, runAgainstOwnMesh } from '../run/targets.ts';
import type { Bug } from './bugs.ts';

type Options = Omit<OwnMeshOptions, 'faults' | 'env' | 'instances'>;

/** What the suite said of a mesh. */
export interface Finding {
  /** What was found broken: ids of invariants, and `duplicates`. */
  found: string[];
  report: Report;
}

/** What it said of a mesh with a bug in it. */
export interface Proof extends Finding {
  /** Whether what the bug breaks is among it. */
  isFound: boolean;
  /** The first counter-example of it. */
  example: string | undefined;
}

/** Runs the faults under which a bug shows against a mesh that has it. */
export async function prove(bug: Bug, options: Options): Promise<Proof> {
  const preload = new URL('preload.ts', import.meta.url);
  const variables = { INTEGRITY_BUG: bug.name, NODE_OPTIONS: `--import=${preload.href}` };
  const env = Object.fromEntries(bug.services.map((service) => [service, variables]));
  const finding = await find(bug.faults, { ...options, env }, bug.name);
  const broken = finding.report.verdicts.find(({ id, verdict }) => id === bug.breaks && verdict === false);
  return { ...finding, isFound: finding.found.includes(bug.breaks), example: broken?.counterExample?.text };
}

/** The same load and faults against the mesh as it is, in which nothing may be found: so what is found is the bug's. */
export function control(faults: readonly string[], options: Options): Promise<Finding> {
  return find(faults, options, 'without a bug');
}

async function find(
  faults: readonly string[],
  options: Omit<OwnMeshOptions, 'faults' | 'instances'>,
  command: string,
): Promise<Finding> {
  const lines = await runAgainstOwnMesh({ ...options, faults: faultsOf(faults), instances: 2 });
  const report = makeReport(readHistory(lines), { seed: options.seed, commit: options.commit, command });
  const broken = report.verdicts.filter(({ verdict }) => verdict === false).map(({ id }) => id);
  const duplicates = report.ceilings.some(({ id, kept }) => id === 'duplicates' && kept === false);
  return { found: [...broken, ...(duplicates ? ['duplicates'] : [])], report };
}
