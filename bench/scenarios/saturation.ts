import { clientKinds } from '../clients/kinds.ts';
import type { Meter } from '../measure/meter.ts';
import type { Measurement } from '../measurement.ts';
import type { BenchOptions } from '../options.ts';
import { RateSearch } from '../rate-search.ts';
import type { SaturationCell } from '../report/result.ts';
import type { Target } from '../targets/target.ts';
import { judge } from '../verdict.ts';

/** The slowest percent may take so long, to the ack and to the recipient. */
const P99_CEILING_MS = 100;
const WARM_UP_MS = 2_000;

/**
 * Scenario 2: the highest rate that is kept with p99 below the ceiling. `first` is where the search begins: where an earlier
 * one ended, if there was one.
 */
export async function searchSaturation(
  { meter, options, machineCores }: { meter: Meter; options: BenchOptions; machineCores: number },
  target: Target,
  { round, first, tell }: { round: number; first: number; tell: (line: string) => void },
): Promise<SaturationCell> {
  const { receives } = clientKinds[target.client];
  const search = new RateSearch(first);
  const tried: SaturationCell['tried'] = [];
  let best: Measurement | undefined;
  for (let rate = search.next; rate !== undefined; rate = search.next) {
    const run = { perSecond: rate, warmUpMs: WARM_UP_MS, measuredMs: options.searchSeconds * 1000 };
    const measurement = await meter.measure(target, run);
    const p99 = Math.max(measurement.ack.p99, measurement.receive.p99);
    const { kept, reasons, limit } = judge(measurement, { receives, machineCores });
    if (p99 >= P99_CEILING_MS) reasons.push(`p99 was ${Math.round(p99)} ms`);
    const passed = kept && p99 < P99_CEILING_MS;
    const why = [...reasons, ...(limit ? [limit] : [])].join('; ');
    tried.push({ rate, kept: passed, p99, why });
    tell(`${rate}/s ${passed ? 'kept' : 'not kept'}, p99 ${p99.toFixed(1)} ms${why && `: ${why}`}`);
    search.tell(passed);
    if (passed) best = measurement;
  }
  return {
    scenario: 2,
    round,
    target: target.name,
    highest: search.highest,
    ...(best && { measurement: best }),
    tried,
  };
}
