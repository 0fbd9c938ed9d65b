import { CEILINGS } from '../checker/ceilings.ts';
import { type Counts, check, type Judgement, type Verdict } from '../checker/check.ts';
import { fullRateAfter, publishedAfter, seenAfter, worstStaleness } from '../checker/recovery.ts';
import { repeatsOf } from '../checker/repeats.ts';
import { scheduleOf, type Turn } from '../checker/schedule.ts';
import type { History } from '../history/history.ts';
import { type PhaseReport, phasesOf, tellPhases } from './phases.ts';

/** How a mesh came through one fault, in seconds where nothing else is said. */
export interface FaultReport {
  id: string;
  title: string;
  bit: boolean;
  proof: string;
  lasted: number;
  /** From its healing: until sends were at 90 % of their rate, until all was published, until the last device was shown the last message. */
  fullRate: number | undefined;
  published: number | undefined;
  seen: number | undefined;
}

export interface Report {
  seed: number;
  commit: string;
  /** When it was made. */
  at: string;
  /** What was run, as on the command line. */
  command: string;
  /** False when an invariant is broken or a ceiling exceeded. */
  verdict: Judgement['verdict'];
  verdicts: Verdict[];
  /** What must not be exceeded, and what was worst; `kept` is unknown where nothing was measured. */
  ceilings: { id: string; what: string; ceiling: string; worst: number | undefined; kept: boolean | 'unknown' }[];
  /** Which of the faults that were asked for had their turn, and why the others had none. */
  schedule: Turn[];
  faults: FaultReport[];
  phases: PhaseReport[];
  worstStaleness: number | undefined;
  counts: Counts;
}

/** Judges a history and tells what was measured. */
export function makeReport(history: History, about: Pick<Report, 'seed' | 'commit' | 'command'>): Report {
  const { verdict: ofInvariants, verdicts, counts } = check(history);
  const faults = history.faults.map((fault): FaultReport => {
    const { id, title, bit = false, proof, from, healedAt } = fault;
    const lasted = toSeconds(healedAt - from) ?? 0;
    const fullRate = toSeconds(fullRateAfter(history, fault));
    const published = toSeconds(publishedAfter(history, fault));
    return { id, title, bit, proof, lasted, fullRate, published, seen: toSeconds(seenAfter(history, fault)?.ms) };
  });
  const repeats = repeatsOf(history);
  const ceilings = [
    ceiling(
      'seen',
      'everything seen after a fault has healed',
      seconds(CEILINGS.seenMs),
      faults.map((fault) => fault.seen),
    ),
    ceiling(
      'rate',
      'full rate after a fault has healed',
      seconds(CEILINGS.fullRateMs),
      faults.map((fault) => fault.fullRate),
    ),
    ceiling(
      'published',
      'all published after a fault has healed',
      seconds(CEILINGS.fullRateMs),
      faults.map((fault) => fault.published),
    ),
    // What a fault makes come twice is counted with it.
    ceiling(
      'duplicates',
      'shown or published twice without a fault',
      { most: 0, unit: '' },
      faults.length > 0 ? [] : [counts.shownTwice + counts.publishedTwice],
    ),
    ceiling('covered', 'pushed again though a checkpoint covers it', { most: 0, unit: '' }, [repeats.covered]),
    ceiling('stretch', 'of a stream, pushed again after it broke', seconds(CEILINGS.repeatedMs), [
      toSeconds(repeats.stretchMs),
    ]),
    ceiling(
      'records',
      'records twice in the topic',
      { most: history.faults.reduce((sum, fault) => sum + fault.recordsTwice, 0), unit: '' },
      history.published ? [counts.publishedTwice] : [],
    ),
  ];
  return {
    ...about,
    at: new Date().toISOString(),
    verdict: ceilings.some(({ kept }) => kept === false) ? false : ofInvariants,
    verdicts,
    ceilings,
    schedule: scheduleOf(history),
    faults,
    phases: phasesOf(history),
    worstStaleness: toSeconds(worstStaleness(history)?.ms),
    counts,
  };
}

/** The report for a person. */
export function tellReport(report: Report): string {
  const { counts, faults } = report;
  return [
    `seed ${report.seed}, commit ${report.commit}: ${word(report.verdict)}${tellNotJudged(report.verdicts)}`,
    '',
    ...report.verdicts.flatMap(tellVerdict),
    '',
    ...report.ceilings.map(
      ({ what, ceiling, worst, kept }) => `${mark(kept)} ${what}: ${worst ?? '-'}, at most ${ceiling}`,
    ),
    '',
    ...tellSchedule(report.schedule),
    ...faults.map(
      (fault) =>
        `${fault.id} ${fault.bit ? 'bit' : 'did NOT bite'} (${fault.proof}); lasted ${fault.lasted} s, full rate after ` +
        `${fault.fullRate ?? '-'} s, all published after ${fault.published ?? '-'} s, all seen after ${fault.seen ?? '-'} s`,
    ),
    '',
    ...tellPhases(report.phases),
    '',
    `${counts.messages} messages, ${counts.acked} acked; ${counts.pushed} pushes, of which ${counts.shownTwice} twice; ` +
      `${counts.backfilled} back-filled after ${counts.resets} resets; ${counts.streamsLost} streams lost; ` +
      `${counts.publishedTwice} records twice in the topic; worst staleness ${report.worstStaleness ?? '-'} s`,
    '',
  ].join('\n');
}

function tellNotJudged(verdicts: readonly Verdict[]): string {
  const ids = verdicts.flatMap(({ id, verdict }) => (verdict === 'not judged' ? [id] : []));
  return ids.length > 0 ? ` (not judged: ${ids.join(', ')})` : '';
}

function tellSchedule(schedule: readonly Turn[]): string[] {
  if (schedule.length === 0) return ['no faults were asked for'];
  const planned = schedule.filter(({ isPlanned }) => isPlanned);
  const begun = planned.filter((each) => each.begun).map(({ id }) => id);
  const skipped = schedule.filter((each) => !each.begun);
  return [
    `${begun.length} of ${planned.length} planned faults were begun: ${begun.join(', ') || 'none'}`,
    ...skipped.map(({ id, isPlanned, reason }) => `${id} was ${isPlanned ? 'not begun' : 'left out'}: ${reason}`),
  ];
}

function tellVerdict({ id, name, verdict, reason, violations, counterExample }: Verdict): string[] {
  const line = `${mark(verdict)} ${id} ${name}${reason ? `: ${verdict}, ${reason}` : ''}`;
  if (!counterExample) return [line];
  const path = counterExample.path.map(
    ({ step, taken, detail }) => `      ${step.padEnd(13)} ${taken.padEnd(8)} ${detail}`,
  );
  return [`${line}: ${violations} violations, the first:`, `    ${counterExample.text}`, ...path];
}

function ceiling(
  id: string,
  what: string,
  { most, unit }: { most: number; unit: string },
  values: (number | undefined)[],
): Report['ceilings'][number] {
  const known = values.filter((value) => value !== undefined);
  const worst = known.length > 0 ? Math.max(...known) : undefined;
  return { id, what, ceiling: `${most}${unit}`, worst, kept: worst === undefined ? 'unknown' : worst <= most };
}

function seconds(ms: number): { most: number; unit: string } {
  return { most: ms / 1000, unit: ' s' };
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : round(ms / 1000);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function mark(verdict: Verdict['verdict']): string {
  if (verdict === 'not judged') return '-';
  return verdict === 'unknown' ? '?' : verdict ? '✓' : '✗';
}

function word(verdict: boolean | 'unknown'): string {
  return verdict === 'unknown' ? 'UNKNOWN' : verdict ? 'TRUE' : 'FALSE';
}
