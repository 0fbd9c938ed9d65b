import type { History } from '../history/history.ts';

/** A fault that was asked for: whether it had its turn, and if not, why. */
export interface Turn {
  id: string;
  /** Left out of the schedule from the start when not. */
  isPlanned: boolean;
  begun: boolean;
  reason?: string;
}

/** What became of every fault that was asked for: first the schedule in its order, then what was left out of it. */
export function scheduleOf({ run, faults }: Pick<History, 'run' | 'faults'>): Turn[] {
  const { planned = [], leftOut = [] } = run ?? {};
  const turns = planned.map((id, i): Turn => {
    // They have their turns one after the other.
    if (faults[i]?.id === id) return { id, isPlanned: true, begun: true };
    return { id, isPlanned: true, begun: false, reason: 'the run ended before its turn' };
  });
  return [...turns, ...leftOut.map((each) => ({ ...each, isPlanned: false, begun: false }))];
}
