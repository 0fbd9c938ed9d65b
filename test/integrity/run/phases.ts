import { acksOf, placeOf } from '../checker/violation.ts';
import type { History } from '../history/history.ts';

/** Calls a second by how they ended, and how long messages took that were begun meanwhile. */
export interface PhaseReport {
  phase: string;
  seconds: number;
  ok: number;
  unknown: number;
  refused: number;
  /** From the first call for a message to its first ack, in milliseconds; undefined without any. */
  ack: Percentiles | undefined;
  /** From the first call for a message to the first sight of it on each device that was shown it live. */
  shown: Percentiles | undefined;
  /** Events that devices were pushed that they had been shown before. */
  twice: number;
}

interface Percentiles {
  p50: number;
  p99: number;
  worst: number;
}

/** Before the first fault, while each one lasts, and after it until the next. */
export function phasesOf({ sends, faults, devices }: History): PhaseReport[] {
  const answers = sends.flatMap((send) => send.answers);
  const first = sends.reduce((least, send) => Math.min(least, send.invokedAt), Number.POSITIVE_INFINITY);
  const last = sends.flatMap(acksOf).reduce((most, { at }) => Math.max(most, at), 0);
  const cuts: [name: string, from: number, to: number][] = [['before', first, faults[0]?.from ?? last]];
  for (const [i, { id, from, healedAt }] of faults.entries()) {
    cuts.push([id, from, healedAt], [`after ${id}`, healedAt, faults[i + 1]?.from ?? last]);
  }
  const invoked = new Map<string, number>();
  const acks: Taken[] = [];
  for (const { conversation, invokedAt, answers } of sends) {
    const ok = answers.filter((answer) => answer.kind === 'ok');
    const [ack] = ok.toSorted((a, b) => a.at - b.at);
    if (!ack) continue;
    acks.push({ begun: invokedAt, ms: ack.at - invokedAt });
    invoked.set(placeOf({ conversation, seq: ack.seq }), invokedAt);
  }
  const sights = devices.flatMap(({ observations }) => firstSights(observations, invoked));
  const again = devices.flatMap(({ observations }) => repeatedSights(observations));
  return cuts.map(([phase, from, to]) => {
    const seconds = Math.max(0.001, (to - from) / 1000);
    const within = answers.filter(({ at }) => at >= from && at < to);
    const perSecond = (kind: string) => round(within.filter((answer) => answer.kind === kind).length / seconds);
    const rates = { ok: perSecond('ok'), unknown: perSecond('unknown'), refused: perSecond('refused') };
    const took = (all: Taken[]) => percentiles(all.filter(({ begun }) => begun >= from && begun < to));
    const twice = again.filter((at) => at >= from && at < to).length;
    return { phase, seconds: round(seconds), ...rates, ack: took(acks), shown: took(sights), twice };
  });
}

/** The table for a person. */
export function tellPhases(phases: readonly PhaseReport[]): string[] {
  const width = Math.max(...phases.map(({ phase }) => phase.length));
  const row = (name: string, cells: string[]) =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(9))].join(' ');
  const times = (taken: Percentiles | undefined) =>
    [taken?.p50, taken?.p99, taken?.worst].map((ms) => (ms === undefined ? '-' : `${ms}`));
  const titles = [
    'ok/s',
    'unknown/s',
    'refused/s',
    'seconds',
    'ack p50',
    'p99',
    'worst ms',
    'shown p50',
    'p99',
    'worst ms',
    'twice',
  ];
  const cells = ({ ok, unknown, refused, seconds, ack, shown, twice }: PhaseReport) => [
    ...[ok, unknown, refused, seconds].map((value) => value.toFixed(1)),
    ...times(ack),
    ...times(shown),
    `${twice}`,
  ];
  return [row('', titles), ...phases.map((phase) => row(phase.phase, cells(phase)))];
}

interface Taken {
  begun: number;
  ms: number;
}

function firstSights(observations: History['devices'][number]['observations'], invoked: Map<string, number>): Taken[] {
  const shown = new Set<string>();
  const taken: Taken[] = [];
  for (const each of observations) {
    if (each.kind !== 'push') continue;
    const place = placeOf(each.event);
    const begun = invoked.get(place);
    if (begun === undefined || shown.has(place)) continue;
    shown.add(place);
    taken.push({ begun, ms: each.at - begun });
  }
  return taken;
}

/** When events were pushed that the device had been shown before. */
function repeatedSights(observations: History['devices'][number]['observations']): number[] {
  const shown = new Set<string>();
  const again: number[] = [];
  for (const each of observations) {
    if (each.kind === 'reset' || each.event.seq === 0) continue;
    const place = placeOf(each.event);
    if (each.kind === 'push' && shown.has(place)) again.push(each.at);
    shown.add(place);
  }
  return again;
}

function percentiles(taken: readonly Taken[]): Percentiles | undefined {
  const sorted = taken.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return sorted.length > 0 ? { p50: at(0.5), p99: at(0.99), worst: at(1) } : undefined;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
