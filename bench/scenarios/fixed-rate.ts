import { clientKinds } from '../clients/kinds.ts';
import type { Meter } from '../measure/meter.ts';
import type { BenchOptions } from '../options.ts';
import type { FixedRateCell } from '../report/result.ts';
import type { Target } from '../targets/target.ts';
import { judge } from '../verdict.ts';

/** Scenario 1: what a durable message costs and how long it takes at a rate that somebody chose. */
export async function measureFixedRate(
  { meter, options, machineCores }: { meter: Meter; options: BenchOptions; machineCores: number },
  target: Target,
  { round, rate }: { round: number; rate: number },
): Promise<FixedRateCell> {
  const { warmUpSeconds, measuredSeconds } = options;
  const run = { perSecond: rate, warmUpMs: warmUpSeconds * 1000, measuredMs: measuredSeconds * 1000 };
  const measurement = await meter.measure(target, run);
  const { receives } = clientKinds[target.client];
  const verdict = judge(measurement, { receives, machineCores });
  return { scenario: 1, round, target: target.name, rate, verdict, measurement };
}
