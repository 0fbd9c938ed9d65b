import type { Device, History } from '../history/history.ts';
import { placeOf } from './violation.ts';

/** What devices were pushed again. */
export interface Repeats {
  /** Pushes of what an earlier checkpoint covers, or what came twice in one stream. */
  covered: number;
  /** The longest stretch of a stream that was pushed again after it broke, in milliseconds; undefined when none was. */
  stretchMs: number | undefined;
}

/** Judges what devices were pushed again: after a break, from the newest checkpoint on, and nothing else. */
export function repeatsOf({ devices }: Pick<History, 'devices'>): Repeats {
  const all = devices.flatMap(repeats);
  return {
    covered: all.filter(({ covered }) => covered).length,
    stretchMs: all.length === 0 ? undefined : Math.max(...all.map(({ stretchMs }) => stretchMs)),
  };
}

function repeats({ observations, closes, checkpoints }: Device): { covered: boolean; stretchMs: number }[] {
  const firstSight = new Map<string, number>();
  const found: { covered: boolean; stretchMs: number }[] = [];
  const breaks = closes.map(({ at }) => at).toSorted((a, b) => a - b);
  const kept = checkpoints.toSorted((a, b) => a - b);
  const lastBefore = (sorted: readonly number[], at: number) => sorted.findLast((each) => each <= at);
  /** When each stream that broke was pushed something last. */
  const lastPushOf = new Map<number, number>();
  for (const each of observations) {
    if (each.kind !== 'push' || each.event.seq === 0) continue;
    const willBreak = breaks.find((at) => at >= each.at);
    if (willBreak !== undefined) lastPushOf.set(willBreak, each.at);
    const place = placeOf(each.event);
    const seen = firstSight.get(place);
    if (seen === undefined) {
      firstSight.set(place, each.at);
      continue;
    }
    const broke = lastBefore(breaks, each.at);
    const checkpoint = broke === undefined ? undefined : lastBefore(kept, broke);
    const covered = broke === undefined || seen > broke || (checkpoint !== undefined && seen < checkpoint);
    // Of the stream that pushed it first: one that broke again before it was live has a stretch of its own.
    const ended = lastPushOf.get(breaks.find((at) => at >= seen) ?? 0) ?? seen;
    found.push({ covered, stretchMs: Math.max(0, ended - seen) });
  }
  return found;
}
