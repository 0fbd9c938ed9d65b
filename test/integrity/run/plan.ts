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

/** What a fault needs besides its own time: until the rate before it is known, and until it is known to be back. */
const AROUND_MS = 5_000;

/**
 * Each fault once, in an order that follows from the seed, and again in another order as long as the time allows. Without
 * faults the load runs for the time.
 */
export function makePlan(faults: readonly Fault[], minutes: number, warmUpMs: number, random: Random): Plan {
  const totalMs = minutes * 60_000;
  if (faults.length === 0) return { faults: [], warmUpMs: totalMs, afterMs: 0, lastsMs: 0 };
  const shareMs = totalMs / faults.length;
  const lastsMs = Math.min(30_000, Math.max(3_000, shareMs / 3));
  const rounds = Math.max(1, Math.floor(totalMs / (faults.length * (lastsMs + 2 * AROUND_MS + 10_000))));
  const order = Array.from({ length: rounds }, () => shuffle(random, faults)).flat();
  return { faults: order, warmUpMs, afterMs: AROUND_MS, lastsMs };
}
