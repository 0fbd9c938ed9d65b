import { CEILINGS } from '../checker/ceilings.ts';
import type { Fault } from '../faults/field.ts';
import { type Random, shuffle } from './random.ts';

/** When each fault has its turn. */
export interface Plan {
  /** In order. */
  faults: Fault[];
  /** How long load runs before the first one, and after each has healed, in milliseconds. */
  warmUpMs: number;
  afterMs: number;
  /** How long a fault that lasts lasts. */
  lastsMs: number;
}

/** Until the rate before a fault is known. */
const BEFORE_MS = 5_000;
/** What is held back by a fault is due before the next one may hold it back as well. */
const AFTER_MS = CEILINGS.seenMs;
/** What one fault takes of a random schedule, all told. */
const TURN_MS = 30_000;

/**
 * As many faults as have their turn in the time: all different, and when there is time for more than there are, all of them again.
 * Which ones follows from the seed. What cannot be undone is there once.
 */
export function chooseFaults(from: readonly Fault[], minutes: number, random: Random): Fault[] {
  const count = Math.max(1, Math.floor((minutes * 60_000) / TURN_MS));
  const chosen = shuffle(random, from);
  const again = from.filter(({ forGood }) => !forGood);
  while (chosen.length < count && again.length > 0) chosen.push(...shuffle(random, again));
  return chosen.slice(0, count);
}

/**
 * Each fault once, in an order that follows from the seed, and again in another order as long as the time allows; what cannot be
 * undone is last. Without faults the load runs for the time. How long a fault lasts that lasts is its share of the time unless
 * `lasts` says so, in seconds.
 */
export function makePlan(
  faults: readonly Fault[],
  { minutes, warmUp, lasts }: { minutes: number; warmUp: number; lasts?: number | undefined },
  random: Random,
): Plan {
  const totalMs = minutes * 60_000;
  const warmUpMs = warmUp * 1_000;
  if (faults.length === 0) return { faults: [], warmUpMs: totalMs, afterMs: 0, lastsMs: 0 };
  const shareMs = totalMs / faults.length;
  const lastsMs = lasts === undefined ? Math.min(30_000, Math.max(3_000, shareMs / 3)) : lasts * 1_000;
  const rounds = Math.max(1, Math.floor(totalMs / (faults.length * (lastsMs + BEFORE_MS + AFTER_MS + 10_000))));
  const { last = [], again = [] } = Object.groupBy(faults, (fault) => (fault.forGood ? 'last' : 'again'));
  const order = Array.from({ length: rounds }, () => shuffle(random, again)).flat();
  return { faults: [...order, ...last], warmUpMs, afterMs: AFTER_MS, lastsMs };
}
