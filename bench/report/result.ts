import type { Machine } from '../measure/machine.ts';
import type { Measurement } from '../measurement.ts';
import type { BenchOptions } from '../options.ts';
import type { TargetName } from '../targets/target.ts';
import type { Verdict } from '../verdict.ts';

/** A run of scenario 1. */
export interface FixedRateCell {
  scenario: 1;
  round: number;
  target: TargetName;
  rate: number;
  verdict: Verdict;
  measurement: Measurement;
}

/** A search of scenario 2. */
export interface SaturationCell {
  scenario: 2;
  round: number;
  target: TargetName;
  /** The highest rate that was kept with p99 below the ceiling; 0 for none. */
  highest: number;
  /** At that rate. */
  measurement?: Measurement;
  tried: { rate: number; kept: boolean; p99: number; why: string }[];
}

export type Cell = FixedRateCell | SaturationCell;

/** A whole benchmark, as it is stored in `bench/results/`. */
export interface BenchResult {
  format: 1;
  /** When it began, ISO 8601. */
  date: string;
  /** The commit that was measured; with `+` behind it when files were changed since. */
  commit: string;
  machine: Machine;
  versions: Record<string, string>;
  /** By system: what decides how quick it is, and how durable. */
  settings: Record<string, Record<string, string>>;
  options: BenchOptions;
  cells: Cell[];
}
