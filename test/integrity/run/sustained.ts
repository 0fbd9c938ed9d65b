import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from './load.ts';

/** How many messages to begin in a second: so many, or a share of what the mesh is found to sustain. */
export type Rate = number | { share: number };

/** Where the search begins, in messages a second, and how much more each step is. */
const FIRST = 60;
const STEP = 1.25;
/** Each pace first becomes steady, and is then measured. */
const STEADY_MS = 2_000;
const MEASURED_MS = 5_000;
/** What falls behind by more is not sustained. */
const KEPT_UP = 0.95;
/** For the last step, which was too much, to be worked off. */
const REST_MS = 5_000;

/** The pace of a rate. What the mesh sustains is searched for when it is a share of that. Sets the pace of the load. */
export async function setRate(load: Load, rate: Rate, say: (text: string) => void): Promise<void> {
  if (typeof rate === 'number') return load.setPace(rate);
  const sustained = await findSustained(load, say);
  const pace = rate.share * sustained;
  say(`the mesh sustains ${Math.round(sustained)} messages/s; ${Math.round(pace)}/s are begun from now on`);
  load.setPace(0);
  await delay(REST_MS);
  load.setPace(pace);
}

/** Raises the pace until acks fall behind it. Answers the most messages that were acked in a second while they kept up. */
async function findSustained(load: Load, say: (text: string) => void): Promise<number> {
  let sustained = 0;
  for (let pace = FIRST; ; pace *= STEP) {
    load.setPace(pace);
    await delay(STEADY_MS);
    const before = { ...load.counts };
    const from = performance.now();
    await delay(MEASURED_MS);
    const acked = ((load.counts.acked - before.acked) * 1_000) / (performance.now() - from);
    const keptUp = acked >= KEPT_UP * pace && load.counts.skipped === before.skipped;
    say(`${Math.round(pace)} messages/s: ${Math.round(acked)} acked a second`);
    if (!keptUp) return sustained;
    sustained = acked;
  }
}
