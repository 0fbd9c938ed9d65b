import { delivered, durable, isolated, noPhantom } from './delivery-invariants.ts';
import type { History } from './history.ts';
import { gapless, once, ordered, published, realTime } from './order-invariants.ts';

/** What must hold of every history, by the names under which docs and tests know it. */
const INVARIANTS = { durable, delivered, once, ordered, gapless, realTime, noPhantom, isolated, published };

export type InvariantName = keyof typeof INVARIANTS;

/** What the checker says of a history. */
export interface Verdict {
  /** Broken invariants, each with the first few examples. */
  violations: Partial<Record<InvariantName, string[]>>;
  counts: {
    messages: number;
    /** Calls by how they ended. A message has one call at least. */
    ok: number;
    unknown: number;
    refused: number;
    /** Events that were pushed, and sights of an event that the device had been shown before. */
    pushed: number;
    shownTwice: number;
    /** Events that a device had to ask for after a reset. */
    backfilled: number;
    resets: number;
    /** Records of the topic that repeat an earlier one. */
    publishedTwice: number;
  };
}

const EXAMPLES = 5;

/** Judges a history by what was seen alone: it knows nothing of how the product works. */
export function check(history: History): Verdict {
  const violations: Verdict['violations'] = {};
  for (const [name, holds] of Object.entries(INVARIANTS) as [InvariantName, (h: History) => Iterable<string>][]) {
    const examples = take(holds(history), EXAMPLES);
    if (examples.length > 0) violations[name] = examples;
  }
  return { violations, counts: count(history) };
}

function count({ sends, devices, published: records }: History): Verdict['counts'] {
  const answers = sends.flatMap((send) => send.answers);
  const observations = devices.flatMap((device) => device.observations);
  const of = (list: { kind: string }[], kind: string) => list.filter((each) => each.kind === kind).length;
  const pushed = of(observations, 'push');
  const fresh = devices.reduce((sum, { observations: own }) => {
    const seen = new Set<string>();
    for (const each of own) if (each.kind !== 'reset') seen.add(`${each.event.conversation}/${each.event.seq}`);
    return sum + seen.size;
  }, 0);
  const backfilled = of(observations, 'list');
  const positions = new Set(records.map(({ shard, position }) => `${shard}/${position}`));
  return {
    messages: sends.length,
    ok: of(answers, 'ok'),
    unknown: of(answers, 'unknown'),
    refused: of(answers, 'refused'),
    pushed,
    shownTwice: pushed + backfilled - fresh,
    backfilled,
    resets: of(observations, 'reset'),
    publishedTwice: records.length - positions.size,
  };
}

function take(items: Iterable<string>, most: number): string[] {
  const taken: string[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === most) break;
  }
  return taken;
}
