import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { delivered } from '../checker/durable.ts';
import { present } from '../checker/isolated.ts';
import { unlessGone } from '../clients/all-pages.ts';
import { assemble, type Cast, type Edge } from '../clients/cast.ts';
import { leaveForGood } from '../clients/leaver.ts';
import { type Bite, backlogOf, type Field } from '../faults/field.ts';
import type { Journal } from '../history/journal.ts';
import { readHistory } from '../history/read-history.ts';
import { type Load, startLoad } from './load.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import { type Rate, setRate } from './sustained.ts';

/** What a run is made with. */
export interface RunOptions {
  edge: Edge;
  journal: Journal;
  plan: Plan;
  random: Random;
  devices: number;
  rate: Rate;
  /** Tells how it goes on. */
  say: (text: string) => void;
  /** What the faults work with, when the run has a mesh of its own. */
  field?: (cast: Cast, load: Load) => Field;
}

/** After a fault has healed, what was committed meanwhile is published by then, or is told by the checker. */
const SETTLED_MS = 60_000;
const DRAINED_MS = 45_000;
const PROGRESS_MS = 10_000;

/**
 * Puts load on the edge, one fault after the other on the mesh, and writes all into the journal. Resolves when every message
 * is answered and everyone was shown what is theirs, or has waited for it long enough.
 */
export async function run(options: RunOptions): Promise<void> {
  const { edge, journal, plan, random, say } = options;
  const cast = await assemble(edge, journal, options.devices);
  try {
    const load = startLoad(cast, random);
    const field = options.field?.(cast, load);
    const progress = setInterval(() => say(progressOf(load, cast, field)), PROGRESS_MS);
    try {
      await setRate(load, options.rate, say);
      await delay(plan.warmUpMs);
      for (const [i, fault] of plan.faults.entries()) {
        if (!field) throw new Error('faults need a mesh of one’s own');
        say(`fault ${i + 1} of ${plan.faults.length}: ${fault.id}, ${fault.title}`);
        await inject(field, i + 1, fault);
        await settle(field);
        await delay(plan.afterMs);
      }
      await leaveForGood(edge, journal, cast);
    } finally {
      clearInterval(progress);
      await load.stop();
    }
    say('the load is over; waiting until everyone has seen everything, and who is online');
    await whenAllIsShown(journal);
    say('reading every conversation back');
    await readBack(cast, journal);
  } finally {
    await Promise.all(cast.watches.map((watch) => watch.stop()));
    await Promise.all(cast.devices.map((device) => device.close()));
  }
}

async function inject(field: Field, run: number, fault: Plan['faults'][number]): Promise<void> {
  const { journal, say } = field;
  const { id, title, graceful = false, recordsTwice = 0 } = fault;
  journal.write({ type: 'fault', op: 'begin', run, id, title, graceful, recordsTwice });
  const begin = performance.now();
  let isHealed = false;
  const healed = () => {
    if (!isHealed) journal.write({ type: 'fault', op: 'heal', run });
    isHealed = true;
  };
  let judged: Bite;
  try {
    judged = await fault.run({ ...field, healed });
  } catch (error) {
    judged = { bit: false, proof: `it failed: ${error instanceof Error ? error.message : String(error)}` };
  }
  healed();
  journal.write({ type: 'fault', op: 'judged', run, ...judged });
  const breach = judged.breach ? `; AND MUST NOT: ${judged.breach.text}` : '';
  say(
    `${judged.bit ? 'it bit' : 'it did NOT bite'} in ${seconds(performance.now() - begin)}: ${judged.proof}${breach}`,
  );
}

/**
 * Waits until the streams are live, little is unpublished and sends are acked as fast as they are begun. What does not come is
 * found by the checker, who has to have seen it for long enough.
 */
async function settle(field: Field): Promise<void> {
  const begin = performance.now();
  const isAtPace = paceOf(field.load);
  const settled = () =>
    isAtPace() &&
    field.watch.backlog !== undefined &&
    backlogOf(field) < 50 &&
    field.cast.devices.every((device) => device.isLive);
  await until('the mesh has settled', settled, SETTLED_MS).then(
    () => field.say(`settled after ${seconds(performance.now() - begin)}`),
    () => field.say(`NOT settled after ${seconds(SETTLED_MS)}`),
  );
}

/** Answers whether nine tenths of the load's pace were acked in the last two seconds. */
function paceOf(load: Load): () => boolean {
  let [since, acked] = [performance.now(), load.counts.acked];
  let isAtPace = false;
  return () => {
    const seconds = (performance.now() - since) / 1_000;
    if (seconds < 2) return isAtPace;
    isAtPace = (load.counts.acked - acked) / seconds >= 0.9 * load.pace;
    [since, acked] = [performance.now(), load.counts.acked];
    return isAtPace;
  };
}

/** Asks the checker, who knows what is due to whom. */
async function whenAllIsShown(journal: Journal): Promise<void> {
  const deadline = performance.now() + DRAINED_MS;
  for (let pause = 250; performance.now() < deadline; pause = Math.min(pause * 2, 4_000)) {
    const history = readHistory(journal.lines);
    const [wrong] = [...delivered.holds(history), ...present.holds(history)];
    if (!wrong) return;
    await delay(pause);
  }
}

/** Each member reads each of their conversations from its start, and where they have read up to. */
async function readBack({ devices, bare, membership }: Cast, journal: Journal): Promise<void> {
  for (const device of devices) {
    for (const conversation of membership.everIn(device.userId)) {
      if (!membership.isMember(conversation, device.userId)) continue;
      const messages = await unlessGone(device.list(conversation));
      const found = messages ? { messages } : { messages: [], gone: true as const };
      journal.write({ type: 'full-read', user: device.userId, conversation, ...found });
    }
  }
  for (const device of bare) {
    for (const conversation of membership.everIn(device.userId)) {
      if (membership.isMember(conversation, device.userId)) await unlessGone(device.findRead(conversation));
    }
  }
}

function progressOf({ counts }: Load, cast: Cast, field?: Field): string {
  const live = cast.devices.filter((device) => device.isLive).length;
  const waiting = cast.devices.reduce((sum, device) => sum + device.inFlight.size, 0);
  const backlog = field ? `, ${field.watch.backlog ? backlogOf(field) : '?'} unpublished` : '';
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} not begun` : '';
  return `${counts.acked} acked, ${counts.refused} refused, ${waiting} waiting${skipped}; ${live} of ${cast.devices.length} live${backlog}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
