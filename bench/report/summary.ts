import type { Faults } from '../load/ledger.ts';
import { type Measurement, microsPerMessage, serverMicros } from '../measurement.ts';
import type { TargetName } from '../targets/target.ts';
import type { BenchResult, FixedRateCell, SaturationCell } from './result.ts';

/** A figure over the rounds. */
export interface Figure {
  median: number;
  min: number;
  max: number;
}

/** What a target did at a rate, over all rounds. */
export interface RateSummary {
  rounds: number;
  /** In how many of them the rate was kept; figures are of those alone. */
  kept: number;
  /** Why it was not kept in the first round in which it was not. */
  why?: string;
  ack?: LatencyFigures;
  /** Left out where nobody receives. */
  receive?: LatencyFigures;
  cost?: CostFigures;
  /** Of all rounds, kept or not. */
  faults: Faults;
}

export interface LatencyFigures {
  p50: Figure;
  p99: Figure;
  p999: Figure;
}

export interface CostFigures {
  /** Processor time per message of the whole system, in microseconds. */
  server: Figure;
  /** The same of each process. */
  byProcess: Record<string, Figure>;
  /** Of a core. */
  generator: Figure;
  /** Of all that was no part of the measurement, in cores. */
  elsewhere: Figure;
  walBytes: Figure;
  megabytes: Record<string, Figure>;
}

/** What a target did at its highest rate, over all rounds. */
export interface SaturationSummary {
  rounds: number;
  highest: Figure;
  cost?: CostFigures;
  faults: Faults;
  /** What was used up just above it, in the last round. */
  limit: string;
}

/** The median of some values, with their extremes. Throws when there are none. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new Error('no values');
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return { median: middle.reduce((total, value) => total + value, 0) / middle.length, min, max };
}

/** Scenario 1; undefined when it was not measured. */
export function summarizeRate({ cells }: BenchResult, target: TargetName, rate: number): RateSummary | undefined {
  const own = cells.filter(
    (cell): cell is FixedRateCell => cell.scenario === 1 && cell.target === target && cell.rate === rate,
  );
  if (own.length === 0) return undefined;
  const failed = own.find(({ verdict }) => !verdict.kept)?.verdict;
  const kept = own.filter(({ verdict }) => verdict.kept).map(({ measurement }) => measurement);
  return {
    rounds: own.length,
    kept: kept.length,
    ...(failed && { why: [...failed.reasons, failed.limit].join('; ') }),
    ...(kept.length > 0 && { ack: latencyOf(kept, 'ack'), cost: costOf(kept) }),
    ...(kept.some(({ receive }) => receive.count > 0) && { receive: latencyOf(kept, 'receive') }),
    faults: faultsOf(own.map(({ measurement }) => measurement)),
  };
}

/** Scenario 2; undefined when it was not measured. */
export function summarizeSaturation({ cells }: BenchResult, target: TargetName): SaturationSummary | undefined {
  const own = cells.filter((cell): cell is SaturationCell => cell.scenario === 2 && cell.target === target);
  const last = own.at(-1);
  if (!last) return undefined;
  const measured = own.flatMap(({ measurement }) => measurement ?? []);
  const above = last.tried.filter(({ kept }) => !kept).toSorted((a, b) => a.rate - b.rate)[0];
  return {
    rounds: own.length,
    highest: figureOf(own.map(({ highest }) => highest)),
    ...(measured.length > 0 && { cost: costOf(measured) }),
    faults: faultsOf(measured),
    limit: above ? `at ${above.rate}/s: ${above.why}` : '',
  };
}

function latencyOf(runs: Measurement[], which: 'ack' | 'receive'): LatencyFigures {
  const figure = (quantile: 'p50' | 'p99' | 'p999') => figureOf(runs.map((run) => run[which][quantile]));
  return { p50: figure('p50'), p99: figure('p99'), p999: figure('p999') };
}

function costOf(runs: Measurement[]): CostFigures {
  return {
    server: figureOf(runs.map(serverMicros)),
    byProcess: figuresOf(runs.map(microsPerMessage)),
    generator: figureOf(runs.map(({ generator }) => generator)),
    elsewhere: figureOf(runs.map(({ elsewhere, bystanders }) => elsewhere + bystanders)),
    walBytes: figureOf(runs.map(({ walBytesPerMessage }) => walBytesPerMessage)),
    megabytes: figuresOf(runs.map(({ megabytes }) => megabytes)),
  };
}

function figuresOf(records: Record<string, number>[]): Record<string, Figure> {
  const names = new Set(records.flatMap((record) => Object.keys(record)));
  return Object.fromEntries([...names].map((name) => [name, figureOf(records.map((record) => record[name] ?? 0))]));
}

function faultsOf(runs: Measurement[]): Faults {
  const total: Faults = { lost: 0, duplicated: 0, outOfOrder: 0, altered: 0, unacked: 0 };
  for (const { faults } of runs) {
    for (const key of Object.keys(total) as (keyof Faults)[]) total[key] += faults[key];
  }
  return total;
}
