import { type TargetName, targetTitles } from '../targets/target.ts';
import { ratioText } from './format.ts';
import type { BenchResult } from './result.ts';
import { summarizeRate, summarizeSaturation } from './summary.ts';
import { table } from './table.ts';

/** What has changed since an earlier result, figure by figure. Says so when there is nothing to compare. */
export function differenceOf(earlier: BenchResult, later: BenchResult): string {
  const [before, after] = [figuresOf(earlier), figuresOf(later)];
  const rows = [...after].flatMap(([name, value]) => {
    const old = before.get(name);
    return old === undefined ? [] : [[name, shown(old), shown(value), ratioText(value, old)]];
  });
  const title = `Since ${earlier.commit} of ${earlier.date.slice(0, 10)}`;
  if (rows.length === 0) return `${title}: nothing that both have measured\n`;
  const same = JSON.stringify(earlier.machine) === JSON.stringify(later.machine);
  return `${title}${same ? '' : ', on another machine'}\n\n${table(['', 'before', 'now', 'ratio'], rows)}`;
}

/** The figures that a change is judged by, by name. */
function figuresOf(result: BenchResult): Map<string, number> {
  const figures = new Map<string, number>();
  for (const target of Object.keys(targetTitles) as TargetName[]) {
    const title = targetTitles[target];
    for (const rate of result.options.rates) {
      const summary = summarizeRate(result, target, rate);
      const at = `${title}, ${rate}/s`;
      if (summary?.ack) figures.set(`${at}: ack p50, ms`, summary.ack.p50.median);
      if (summary?.ack) figures.set(`${at}: ack p99, ms`, summary.ack.p99.median);
      if (summary?.receive) figures.set(`${at}: receive p50, ms`, summary.receive.p50.median);
      if (summary?.cost) figures.set(`${at}: server us/message`, summary.cost.server.median);
    }
    const saturated = summarizeSaturation(result, target);
    if (saturated) figures.set(`${title}: highest rate, messages/s`, saturated.highest.median);
    if (saturated?.cost) figures.set(`${title}, saturated: server us/message`, saturated.cost.server.median);
  }
  return figures;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
