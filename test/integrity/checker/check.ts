import type { History } from '../history/history.ts';
import { bounded } from './bounded.ts';
import { delivered, durable, noPhantom } from './durable.ts';
import { graceful } from './graceful.ts';
import { isolated, present, revoked } from './isolated.ts';
import { conserved, live } from './live.ts';
import { gapless, once, ordered, realTime } from './order.ts';
import { pathOf, type Step } from './path.ts';
import { scheduleOf } from './schedule.ts';
import { acksOf, type Invariant, placeOf, type Violation } from './violation.ts';

const INVARIANTS: readonly Invariant[] = [
  durable,
  delivered,
  once,
  ordered,
  gapless,
  realTime,
  noPhantom,
  isolated,
  revoked,
  present,
  live,
  bounded,
  conserved,
  graceful,
];

/** What the checker says of one invariant. */
export interface Verdict {
  id: string;
  name: string;
  /**
   * Unknown: nothing was found against it, and the history is not enough to say that it holds. Not judged: runs of this kind
   * have nothing to say about it.
   */
  verdict: true | false | 'unknown' | 'not judged';
  /** Why it is unknown, or not judged. */
  reason?: string;
  /** How many violations there are, counted up to a bound. */
  violations?: number;
  /** The first violation, and the way of the message that it is about. */
  counterExample?: { text: string; path: Step[] };
}

/** What was counted. None of it is a fault by itself. */
export interface Counts {
  messages: number;
  /** Messages by their end. */
  acked: number;
  /** Calls by how they ended. A message has one call at least. */
  ok: number;
  unknown: number;
  refused: number;
  /** Events that were pushed, and sights of an event that the device had been shown before. */
  pushed: number;
  shownTwice: number;
  /** Events that a device had to ask for after a reset. */
  backfilled: number;
  resets: number;
  streamsLost: number;
  /** Records of the topic that repeat an earlier one. */
  publishedTwice: number;
}

export interface Judgement {
  verdicts: Verdict[];
  /** False when any is false, else unknown when any is unknown. What is not judged is no part of it. */
  verdict: true | false | 'unknown';
  counts: Counts;
}

const MOST_COUNTED = 1000;
/** A history with fewer acked messages shows nothing. */
const LEAST_ACKED = 100;

/** Judges a history by what was seen alone: it knows nothing of how the product works. */
export function check(history: History, { leastAcked = LEAST_ACKED } = {}): Judgement {
  const counts = count(history);
  const doubt = doubtOf(history, counts, leastAcked);
  const verdicts = INVARIANTS.map((invariant) => judge(invariant, history, doubt));
  const has = (wanted: Verdict['verdict']) => verdicts.some((each) => each.verdict === wanted);
  const verdict = has(false) ? false : has('unknown') ? 'unknown' : true;
  return { verdicts, verdict, counts };
}

function judge(
  { id, name, holds, notJudged, unknown }: Invariant,
  history: History,
  doubt: string | undefined,
): Verdict {
  let first: Violation | undefined;
  let violations = 0;
  for (const violation of [...breachesOf(history, id), ...holds(history)]) {
    first ??= violation;
    if (++violations === MOST_COUNTED) break;
  }
  if (first)
    return { id, name, verdict: false, violations, counterExample: { text: first.text, path: pathOf(history, first) } };
  const silent = notJudged?.(history);
  if (silent !== undefined) return { id, name, verdict: 'not judged', reason: silent };
  const reason = unknown?.(history) ?? doubt;
  return reason === undefined ? { id, name, verdict: true } : { id, name, verdict: 'unknown', reason };
}

/** What those saw who put the faults on the mesh. */
function breachesOf({ faults }: History, invariant: string): Violation[] {
  return faults.flatMap(({ id, breach }) =>
    breach?.invariant === invariant ? [{ text: `${id}: ${breach.text}` }] : [],
  );
}

/** Why nothing that was found proves nothing. */
function doubtOf(history: History, { acked }: Counts, leastAcked: number): string | undefined {
  const { faults, devices, sessions } = history;
  if (acked < leastAcked) return `only ${acked} messages were acked, ${leastAcked} are needed`;
  const missed = scheduleOf(history).find((each) => each.isPlanned && !each.begun);
  if (missed) return `${missed.id} was planned and not begun: ${missed.reason}`;
  const blunt = faults.find((fault) => fault.bit !== true);
  if (blunt) return `${blunt.id} did not bite${blunt.proof && `: ${blunt.proof}`}`;
  const dead = devices.find((device) => device.died !== undefined);
  if (dead) return `the client ${dead.device} died: ${dead.died}`;
  const left = new Set(sessions.map((session) => session.device));
  const away = devices.find((device) => !device.connected && !left.has(device.device));
  if (away) return `${away.device} is not connected at the end, so that nothing is due to it`;
  return undefined;
}

function count({ sends, devices, published = [] }: History): Counts {
  const answers = sends.flatMap((send) => send.answers);
  const of = (kind: string) => answers.reduce((sum, answer) => sum + Number(answer.kind === kind), 0);
  const counts = { pushed: 0, shownTwice: 0, backfilled: 0, resets: 0, streamsLost: 0 };
  for (const { observations, closes } of devices) {
    const seen = new Set<string>();
    counts.streamsLost += closes.length;
    for (const each of observations) {
      if (each.kind === 'reset') {
        counts.resets++;
        continue;
      }
      if (each.event.seq === 0) continue;
      if (each.kind === 'push') counts.pushed++;
      else counts.backfilled++;
      const place = placeOf(each.event);
      if (seen.has(place)) counts.shownTwice++;
      seen.add(place);
    }
  }
  const positions = new Set(published.map(({ shard, position }) => `${shard}/${position}`));
  return {
    messages: sends.length,
    acked: sends.filter((send) => acksOf(send).length > 0).length,
    ok: of('ok'),
    unknown: of('unknown'),
    refused: of('refused'),
    ...counts,
    publishedTwice: published.length - positions.size,
  };
}
