import { Problem } from '@realchat/stack';
import type { LeftOut } from '../history/line.ts';
import { absences } from './absences.ts';
import { brokers } from './brokers.ts';
import { clients } from './clients.ts';
import { clocks } from './clocks.ts';
import { consumers } from './consumers.ts';
import { cuts } from './cuts.ts';
import { disks } from './disks.ts';
import { engines } from './engines.ts';
import type { Fault } from './field.ts';
import { kills } from './kills.ts';
import { networks } from './networks.ts';
import { notRun } from './not-run.ts';
import { pauses } from './pauses.ts';
import { restarts } from './restarts.ts';
import { standby } from './standby.ts';
import { topics } from './topics.ts';

/** Every fault that can be run. */
export const catalogue: readonly Fault[] = [
  ...kills,
  ...pauses,
  ...restarts,
  ...engines,
  ...absences,
  ...networks,
  ...cuts,
  ...topics,
  ...consumers,
  ...clients,
  ...clocks,
  ...disks,
  ...brokers,
  ...standby,
];

/** What no run has on this machine, and why. */
export function absentHere(): { id: string; title: string; reason: string }[] {
  const here = catalogue.flatMap(({ id, title, unavailable }) => {
    const reason = unavailable?.();
    return reason ? [{ id, title, reason }] : [];
  });
  return [...notRun, ...here];
}

/** What of the catalogue `all` and `random` cannot have in their turn, and why. */
export function leftOutOf(ids: readonly string[]): LeftOut[] {
  if (!ids.includes('all') && !ids.includes('random')) return [];
  const absent = absentHere().map(({ id, reason }) => ({ id, reason }));
  const alone = catalogue.filter(({ id, engines }) => engines && !absent.some((each) => each.id === id));
  return [...absent, ...alone.map(({ id }) => ({ id, reason: 'it has a mesh of its own, and runs without others' }))];
}

/**
 * The faults of those ids; `F-01` means all of its kind, `all` every one that this machine can have
 * in the usual mesh. Throws a Problem for one
 * that is unknown or cannot be run.
 */
export function faultsOf(ids: readonly string[]): Fault[] {
  const absent = absentHere();
  const chosen = ids.flatMap((id) => {
    if (id === 'all')
      return catalogue.filter((fault) => !fault.engines && !absent.some((each) => each.id === fault.id));
    const isMeant = (fault: { id: string }) => fault.id === id || fault.id.startsWith(`${id}-`);
    const meant = catalogue.filter(isMeant);
    // A kind that has faults which can be run may have others besides, which no run has.
    const missing = absent.find((each) =>
      meant.length === 0 ? isMeant(each) : meant.some(({ id }) => id === each.id),
    );
    if (missing) throw new Problem(`${missing.id}, ${missing.title}, cannot be run`, missing.reason);
    if (meant.length === 0) throw new Problem(`there is no fault ${id}`, 'npm run integrity -- --list');
    return meant;
  });
  return [...new Set(chosen)];
}
