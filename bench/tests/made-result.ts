import type { Measurement } from '../measurement.ts';
import type { BenchResult, FixedRateCell, SaturationCell } from '../report/result.ts';
import type { TargetName } from '../targets/target.ts';
import { judge } from '../verdict.ts';
import { madeMeasurement } from './made-measurement.ts';
import { defaultsForTests } from './made-options.ts';

/** A result with the given cells. */
export function madeResult(cells: BenchResult['cells'], different: Partial<BenchResult> = {}): BenchResult {
  return {
    format: 1,
    date: '2026-11-25T20:00:00.000Z',
    commit: 'abcdef0123',
    machine: { processor: 'a processor', cores: 2, memoryGb: 8, system: 'Linux 6' },
    versions: { node: 'v24' },
    settings: { realchat: { fsync: 'on' } },
    options: defaultsForTests,
    cells,
    ...different,
  };
}

export function fixedRate(target: TargetName, round: number, run: Partial<Measurement> = {}): FixedRateCell {
  const measurement = madeMeasurement(run);
  const verdict = judge(measurement, { receives: target !== 'commit', machineCores: 2 });
  return { scenario: 1, round, target, rate: measurement.perSecond, verdict, measurement };
}

export function saturation(target: TargetName, round: number, highest: number): SaturationCell {
  const measurement = madeMeasurement({ perSecond: highest });
  const tried = [{ rate: highest * 2, kept: false, p99: 400, why: 'p99 was 400 ms' }];
  return { scenario: 2, round, target, highest, measurement, tried };
}
