import { slowestBeside } from '../e2e/support/even-load.ts';
import type { Judgement, Verdict } from '../integrity/checker/check.ts';
import type { Pace } from './others.ts';

/** Something that was measured, and what it must stay under or reach. */
export interface Measure {
  what: string;
  value: number;
  unit: string;
  most?: number;
  least?: number;
}

/** What one scenario found. */
export interface Findings {
  scenario: string;
  measures: Measure[];
  /** What the integrity kit's checker says of what all devices saw. */
  verdicts: Verdict[];
}

const MIB = 2 ** 20;

/** The most memory that a process of each kind may have in use, in MiB, whatever clients do. */
const MEMORY_MIB: Record<string, number> = { gateway: 768, delivery: 640, messaging: 512, relay: 512, envoy: 512 };

/** Verdicts about what devices were shown; the rest of the kit's invariants are not touched by these scenarios. */
const WHOLE = ['I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'];

/** The most memory by process, against what it may have. */
export function memoryMeasures(most: ReadonlyMap<string, number>): Measure[] {
  return [...most].flatMap(([name, bytes]) => {
    const ceiling = MEMORY_MIB[name.replace(/-\d+$/, '')];
    return ceiling === undefined
      ? []
      : [{ what: `memory of ${name}`, value: Math.round(bytes / MIB), unit: ' MiB', most: ceiling }];
  });
}

/** How others fared before and meanwhile. */
export function paceMeasures(before: Pace, meanwhile: Pace): Measure[] {
  const most = slowestBeside(before.usual);
  return [
    { what: "others' ack p99 before, the median of windows of 2 s", value: before.usual, unit: ' ms' },
    { what: "others' ack p99 meanwhile, the median", value: meanwhile.usual, unit: ' ms', most },
    { what: "others' ack p99 in the worst 2 s", value: meanwhile.worst, unit: ' ms' },
  ];
}

/** The verdicts that say whether all was shown to all, whole. */
export function wholeness({ verdicts }: Judgement): Verdict[] {
  return verdicts.filter(({ id }) => WHOLE.includes(id));
}

function isKept({ value, most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }: Measure): boolean {
  return value <= most && value >= least;
}

/** What is not as it must be, in words; nothing when all holds. */
export function problemsOf({ measures, verdicts }: Findings): string[] {
  return [
    ...measures.filter((measure) => !isKept(measure)).map(tellMeasure),
    ...verdicts.filter(({ verdict }) => verdict !== true).map(tellVerdict),
  ];
}

/** The findings for a person. */
export function tellFindings({ scenario, measures, verdicts }: Findings): string {
  const lines = [...measures.map(tellMeasure), ...verdicts.map(tellVerdict)];
  return `${scenario}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function tellMeasure(measure: Measure): string {
  const { what, value, unit, most, least } = measure;
  const number = (of: number) => `${Math.round(of * 10) / 10}${unit}`;
  const bounds = [
    ...(most === undefined ? [] : [`at most ${number(most)}`]),
    ...(least === undefined ? [] : [`at least ${number(least)}`]),
  ];
  const mark = bounds.length === 0 ? ' ' : isKept(measure) ? '✓' : '✗';
  return `${mark} ${[`${what}: ${number(value)}`, ...bounds].join(', ')}`;
}

function tellVerdict({ id, name, verdict, reason, violations = 0, counterExample }: Verdict): string {
  if (verdict === true) return `✓ ${id} ${name}`;
  return `✗ ${id} ${name}: ${reason ?? `${violations} violations, the first: ${counterExample?.text}`}`;
}
