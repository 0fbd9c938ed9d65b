import { Problem } from '@realchat/stack';
import { clients } from './clients.ts';
import { consumers } from './consumers.ts';
import { engines } from './engines.ts';
import type { Fault } from './field.ts';
import { kills, pauses, restarts } from './kills.ts';
import { networks } from './networks.ts';
import { notRun } from './not-run.ts';
import { topics } from './topics.ts';

/** Every fault that can be run. */
export const catalogue: readonly Fault[] = [
  ...kills,
  ...pauses,
  ...restarts,
  ...engines,
  ...networks,
  ...topics,
  ...consumers,
  ...clients,
];

/** The faults of those ids; `F-01` means all of its kind, `all` every one. Throws a Problem for one that is unknown or cannot be run. */
export function faultsOf(ids: readonly string[]): Fault[] {
  const chosen = ids.flatMap((id) => {
    const meant = catalogue.filter((fault) => id === 'all' || fault.id === id || fault.id.startsWith(`${id}-`));
    const absent = notRun.find((fault) => fault.id === id);
    if (absent) throw new Problem(`${id}, ${absent.title}, cannot be run`, absent.reason);
    if (meant.length === 0) throw new Problem(`there is no fault ${id}`, 'npm run integrity -- --list');
    return meant;
  });
  return [...new Set(chosen)];
}
