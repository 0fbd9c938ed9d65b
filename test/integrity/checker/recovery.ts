import type { Fault, History } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import { acksOf, membership, placeOf } from './violation.ts';

const WINDOW_MS = 2_000;
const STEP_MS = 500;
const BEFORE_MS = 4_000;
/** Fewer sends than these in the time before a fault say nothing about the rate. */
const LEAST_BEFORE = 20;
const SHARE = 0.9;
/** Committed and not yet published: as much as is always on the way. */
const ON_THE_WAY = 50;

/**
 * From the healing of a fault to the first two seconds in which sends were acked at 90 % of the rate at which they were begun before it. Undefined
 * when too little was sent before or after, or the next fault came too soon to tell; infinity when it never came back.
 */
export function fullRateAfter(history: History, fault: Fault): number | undefined {
  const acks = history.sends
    .flatMap((send) =>
      acksOf(send)
        .slice(0, 1)
        .map(({ at }) => at),
    )
    .toSorted((a, b) => a - b);
  const begun = history.sends.map((send) => send.invokedAt).toSorted((a, b) => a - b);
  // What was begun, not what was acked: that may have been the backlog of an earlier fault.
  const start = Math.max(fault.from - BEFORE_MS, begun[0] ?? 0);
  const before = countBetween(begun, start, fault.from);
  const seconds = (fault.from - start) / 1000;
  const until = sendingUntil(history, fault);
  if (before < LEAST_BEFORE || seconds < 1 || until < fault.healedAt + WINDOW_MS) return undefined;
  const wanted = (before / seconds) * SHARE * (WINDOW_MS / 1000);
  for (let at = fault.healedAt; at + WINDOW_MS <= until; at += STEP_MS) {
    if (countBetween(acks, at, at + WINDOW_MS) >= wanted) return at - fault.healedAt;
  }
  // The next fault came while it might still have come back.
  return until < fault.healedAt + CEILINGS.fullRateMs ? undefined : Number.POSITIVE_INFINITY;
}

/** Until when messages were begun after a fault, before the next one. */
function sendingUntil({ sends, faults }: History, fault: Fault): number {
  const next = Math.min(Number.POSITIVE_INFINITY, ...faults.map((each) => each.from).filter((at) => at > fault.from));
  return Math.min(
    next,
    sends.reduce((last, send) => Math.max(last, send.invokedAt), 0),
  );
}

/** From the healing of a fault until all but a little of what was committed is published; undefined when nobody looked. */
export function publishedAfter({ backlog }: History, fault: Fault): number | undefined {
  const after = backlog.filter((sample) => sample.at >= fault.healedAt);
  if (after.length === 0) return undefined;
  const low = after.find((sample) => sample.committed - sample.published <= ON_THE_WAY);
  return low ? low.at - fault.healedAt : Number.POSITIVE_INFINITY;
}

/** A message that a device was shown late, and how late. */
export interface Sight {
  conversation: string;
  seq: number;
  device: string;
  ms: number;
}

/** Of what was acked while a fault lasted: what a device was shown last after its healing. Undefined when nothing was. */
export function seenAfter(history: History, fault: Fault): Sight | undefined {
  const during = firstSightsOf(history).filter(({ ackedAt }) => ackedAt >= fault.from && ackedAt <= fault.healedAt);
  return worst(during, fault.healedAt);
}

/**
 * Of what was acked while there was no fault: what a device was shown last, after its ack or the healing of faults that began before it
 * could have been shown in time. Undefined when nothing was.
 */
export function seenBetween(history: History): Sight | undefined {
  const { faults } = history;
  // Many devices were shown the same message: the faults are gone through once for it.
  const known = new Map<number, number | undefined>();
  const since = (ackedAt: number): number | undefined => {
    const isDuring = faults.some(({ from, healedAt }) => from <= ackedAt && ackedAt <= healedAt);
    return isDuring ? undefined : dueAfter(history, ackedAt);
  };
  const between = firstSightsOf(history).flatMap((sight) => {
    const { ackedAt } = sight;
    if (!known.has(ackedAt)) known.set(ackedAt, since(ackedAt));
    const due = known.get(ackedAt);
    return due === undefined ? [] : [{ ...sight, ackedAt: due }];
  });
  return worst(between, 0);
}

/** Since when something that was acked is due: a fault that begins before it is late puts it off to its healing. */
function dueAfter({ faults }: History, at: number): number {
  let due = at;
  for (const { from, healedAt } of faults.toSorted((a, b) => a.from - b.from))
    if (from > at && from <= due + CEILINGS.seenMs) due = Math.max(due, healedAt);
  return due;
}

/** Of everything: what a device was shown longest after its ack. */
export function worstStaleness(history: History): Sight | undefined {
  return worst(firstSightsOf(history), 0);
}

function worst(sights: readonly FirstSight[], since: number): Sight | undefined {
  let latest: Sight | undefined;
  for (const { conversation, seq, device, at, ackedAt } of sights) {
    const ms = Math.max(0, at - Math.max(ackedAt, since));
    if (!latest || ms > latest.ms) latest = { conversation, seq, device, ms };
  }
  return latest;
}

/** When a device was shown for the first time what was acked, and due to it at once. */
interface FirstSight {
  conversation: string;
  seq: number;
  device: string;
  at: number;
  ackedAt: number;
}

/** Asked for each fault of a history, and as long as the history is: it does not change once it is judged. */
const known = new WeakMap<History, FirstSight[]>();

function firstSightsOf(history: History): FirstSight[] {
  const sights = known.get(history) ?? [...firstSights(history)];
  known.set(history, sights);
  return sights;
}

function* firstSights(history: History): Generator<FirstSight> {
  const sent = new Map<string, { ackedAt: number; invokedAt: number }>();
  for (const send of history.sends) {
    const [ack] = acksOf(send);
    if (!ack) continue;
    const { conversation, invokedAt } = send;
    sent.set(placeOf({ conversation, seq: ack.seq }), { ackedAt: ack.at, invokedAt });
  }
  const isDue = membership(history);
  for (const { device, user, observations, liveAt, connected } of history.devices) {
    if (!connected) continue;
    const shown = new Set<string>();
    for (const observation of observations) {
      if (observation.kind === 'reset') continue;
      const place = placeOf(observation.event);
      const message = sent.get(place);
      if (message === undefined || shown.has(place)) continue;
      shown.add(place);
      const { conversation, seq } = observation.event;
      const { ackedAt, invokedAt } = message;
      if (invokedAt < liveAt || !isDue(user, observation.event)) continue;
      yield { conversation, seq, device, at: observation.at, ackedAt };
    }
  }
}

function countBetween(sorted: readonly number[], from: number, to: number): number {
  return indexOf(sorted, to) - indexOf(sorted, from);
}

/** How many are smaller. */
function indexOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
