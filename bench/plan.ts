import type { BenchOptions } from './options.ts';
import type { Cell } from './report/result.ts';
import type { TargetName } from './targets/target.ts';

/** A cell that is to be measured; `rate` for scenario 1 alone. */
export interface PlannedCell {
  scenario: 1 | 2;
  round: number;
  target: TargetName;
  rate?: number;
}

/**
 * All that is measured, in its order: in every round each target at each rate, one target right after the other, and another
 * one first each time, so that a machine that drifts is the same for all.
 */
export function planOf({ scenarios, rounds, rates, targets }: BenchOptions): PlannedCell[] {
  const plan: PlannedCell[] = [];
  for (let round = 1; round <= rounds; round++) {
    const order = targets.map((_, i) => targets[(i + round - 1) % targets.length] as TargetName);
    if (scenarios.includes(1)) {
      for (const rate of rates) for (const target of order) plan.push({ scenario: 1, round, target, rate });
    }
    // A floor has no saturation that would say anything about a chat.
    const chats = order.filter((target) => target !== 'commit');
    if (scenarios.includes(2)) for (const target of chats) plan.push({ scenario: 2, round, target });
  }
  return plan;
}

/** What of a plan is not measured yet. */
export function leftOf(plan: PlannedCell[], cells: Cell[]): PlannedCell[] {
  const done = new Set(cells.map(keyOf));
  return plan.filter((planned) => !done.has(keyOf(planned)));
}

/** Where the search of a target begins: where its last one ended. */
export function firstRateOf(target: TargetName, cells: Cell[]): number {
  const earlier = cells.filter((cell) => cell.scenario === 2 && cell.target === target);
  return earlier.map((cell) => (cell.scenario === 2 ? cell.highest : 0)).findLast((rate) => rate > 0) ?? FIRST_RATE;
}

const FIRST_RATE = 500;

function keyOf({ scenario, round, target, ...cell }: PlannedCell | Cell): string {
  return [scenario, round, target, 'rate' in cell ? cell.rate : ''].join(' ');
}
