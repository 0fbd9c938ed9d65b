import { grows } from './load/backlog.ts';
import { type Measurement, sum } from './measurement.ts';

/** Whether a rate counts. */
export interface Verdict {
  kept: boolean;
  /** The generator was too busy to be believed, whatever it saw. */
  void: boolean;
  /** Why it does not count. */
  reasons: string[];
  /** What was used up when it was not kept. */
  limit?: string;
}

/** Of the messages of the measured time, at least so many. */
const LEAST_THROUGH = 0.9999;
/** Of a core, at most so much for the load generator. */
const MOST_GENERATOR = 0.7;
/** Of a core, or of all of them: nothing is left. */
const USED_UP = 0.9;

/** Judges a run. `receives`: whether messages are expected at a recipient. */
export function judge(
  run: Measurement,
  { receives, machineCores }: { receives: boolean; machineCores: number },
): Verdict {
  const reasons: string[] = [];
  const least = Math.ceil(run.due * LEAST_THROUGH);
  const isVoid = run.generator > MOST_GENERATOR;
  if (isVoid) reasons.push(`void: the load generator took ${percent(run.generator)} of a core`);
  if (run.brokenOff) reasons.push('broken off: three seconds of messages were undone');
  else if (grows(run.backlog, run.perSecond)) {
    reasons.push(`the backlog grew from ${run.backlog.first} to ${run.backlog.last}`);
  }
  if (run.acked < least || run.due === 0) reasons.push(`${percent(share(run.acked, run.due))} were acked`);
  else if (receives && run.received < least) reasons.push(`${percent(share(run.received, run.due))} were received`);
  if (reasons.length === 0) return { kept: true, void: false, reasons };
  return { kept: false, void: isVoid, reasons, limit: limitOf(run, machineCores) };
}

/** What ran out, as far as processor time tells. */
function limitOf(run: Measurement, machineCores: number): string {
  const used = sum(Object.values(run.cores)) + run.generator + run.bystanders + run.elsewhere;
  const [busiest = '', most = 0] = Object.entries(run.cores).toSorted(([, a], [, b]) => b - a)[0] ?? [];
  if (used > machineCores * USED_UP) {
    return `all ${machineCores} cores were busy (${used.toFixed(2)}), most of all ${busiest} (${most.toFixed(2)})`;
  }
  if (most > USED_UP) return `${busiest} had a core to itself (${most.toFixed(2)}) and could use no more`;
  return `no processor was used up: ${used.toFixed(2)} cores were busy`;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(value: number): string {
  return `${(Math.floor(value * 10_000) / 100).toString()} %`;
}
