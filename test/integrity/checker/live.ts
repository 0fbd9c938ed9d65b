import type { Fault, History } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import { miscounted } from './effects.ts';
import { fullRateAfter, publishedAfter, seenAfter } from './recovery.ts';
import { type Invariant, placeOf, type Violation } from './violation.ts';

/** A process that has just begun has not yet what it keeps. */
const WARM_MS = 60_000;

/** I11: within 30 s after a fault has healed, everything committed is published and sends are acked at 90 % of the rate before. */
export const live: Invariant = {
  id: 'I11',
  name: 'live',
  unknown: (history) => {
    if (history.faults.length === 0) return 'there was no fault to recover from';
    const silent = history.faults.find((fault) => fullRateAfter(history, fault) === undefined);
    return (
      silent &&
      `too little was sent around ${silent.id}, or the next fault came too soon after it, to tell the rate before and after`
    );
  },
  *holds(history) {
    for (const fault of history.faults) {
      const rate = fullRateAfter(history, fault);
      if (rate !== undefined && rate > CEILINGS.fullRateMs)
        yield late(fault, 'sends were not back at their rate', rate);
      const published = publishedAfter(history, fault);
      if (published !== undefined && published > CEILINGS.fullRateMs)
        yield late(fault, 'events waited to be published', published);
      const seen = seenAfter(history, fault);
      if (seen && seen.ms > CEILINGS.seenMs) {
        const text = `${fault.id}: ${seen.device} was shown ${placeOf(seen)} ${Math.round(seen.ms)} ms after the fault had healed`;
        yield { text, place: seen };
      }
    }
  },
};

/** I12: after the last fault no process keeps more than half as much memory again as before the first one. */
export const bounded: Invariant = {
  id: 'I12',
  name: 'bounded',
  unknown: ({ processes, faults }) => {
    if (faults.length === 0) return 'there was no fault to compare before and after';
    const first = Math.min(...faults.map((fault) => fault.from));
    const measured = first - processes.reduce((least, sample) => Math.min(least, sample.at), first);
    if (measured >= WARM_MS) return undefined;
    return `processes were measured for ${Math.round(measured / 1000)} s before the first fault: they are warm after ${WARM_MS / 1000}`;
  },
  *holds({ processes, faults }) {
    const first = Math.min(...faults.map((fault) => fault.from));
    const begin = processes.reduce((least, sample) => Math.min(least, sample.at), first);
    if (first - begin < WARM_MS) return;
    const last = Math.max(...faults.map((fault) => fault.healedAt));
    for (const [name, samples] of Map.groupBy(processes, (sample) => sample.process)) {
      const before = samples.filter((sample) => sample.at < first).map((sample) => sample.rss);
      const after = samples.filter((sample) => sample.at > last).map((sample) => sample.rss);
      if (before.length === 0 || after.length === 0) continue;
      const [base, end] = [Math.max(...before), after.at(-1) ?? 0];
      if (end <= base * CEILINGS.residentFactor) continue;
      yield { text: `${name} took ${megabytes(base)} before and takes ${megabytes(end)} after the faults` };
    }
  },
};

/**
 * I13: the topic has every event of the log, in order for the first time; what a consumer made of it is there exactly once;
 * the dead letters are what was made unreadable.
 */
export const conserved: Invariant = {
  id: 'I13',
  name: 'conserved',
  unknown: ({ stored, published, activity }) => {
    if (!stored || !published) return 'the log and the topic could not be read';
    return activity ? undefined : 'what a consumer made of the topic could not be read';
  },
  *holds(history) {
    const { stored, published, poison, deadLetters } = history;
    if (!stored || !published) return;
    const log = new Map(stored.map((event) => [`${event.shard}/${event.position}`, event]));
    for (const [shard, records] of Map.groupBy(published, (record) => record.shard)) {
      let last = 0;
      for (const record of records) {
        const event = log.get(`${shard}/${record.position}`);
        const where = `position ${record.position} of shard ${shard}`;
        // A read position that was superseded is in the topic alone.
        const superseded = !event && record.seq === 0;
        if (!superseded && (!event || placeOf(event) !== placeOf(record)))
          yield { text: `${where} is another event than in the log`, place: record };
        if (record.position > last + 1) yield { text: `${where} was published after ${last}`, place: record };
        last = Math.max(last, record.position);
      }
    }
    const known = new Set(published.map(({ shard, position }) => `${shard}/${position}`));
    for (const event of stored) {
      const place = `${event.shard}/${event.position}`;
      if (!known.has(place)) yield { text: `shard/position ${place} was never published`, place: event };
    }
    yield* miscounted(history);
    if (!deadLetters) return;
    const injected = new Set(poison);
    for (const record of deadLetters)
      if (!injected.has(record)) yield { text: `${record} is a dead letter and was good` };
    const found = new Set(deadLetters);
    for (const record of injected)
      if (!found.has(record)) yield { text: `${record} cannot be read and is no dead letter` };
  },
};

/** How a stream may end when its server goes in good order. What ends one and leaves its socket open is told by bare clients alone. */
const DRAINS = /^(UNAVAILABLE|1001|1012|STREAM)/;

/** I14: what is restarted in good order refuses nothing, ends streams by the rules, and one retry is enough. */
export const graceful: Invariant = {
  id: 'I14',
  name: 'graceful',
  unknown: ({ faults }) => (faults.some((fault) => fault.graceful) ? undefined : 'nothing was restarted in good order'),
  *holds(history) {
    for (const fault of history.faults.filter((each) => each.graceful)) yield* inGoodOrder(history, fault);
  },
};

function* inGoodOrder(history: History, { id, from, healedAt }: Fault): Generator<Violation> {
  const { sends, devices, stints } = history;
  const within = ({ at }: { at: number }) => at >= from && at <= healedAt;
  // Who was put out of a conversation is refused there, whoever restarts.
  const left = new Set(stints.filter((stint) => Number.isFinite(stint.left)).map(memberOf));
  for (const send of sends) {
    const place = `key ${send.key} in ${send.conversation}`;
    const refused = send.answers.find((answer) => answer.kind === 'refused' && within(answer));
    if (refused?.kind === 'refused' && !left.has(memberOf(send)))
      yield { text: `${id}: ${place} was refused: ${refused.reason}` };
    const lost = send.answers.filter((answer) => answer.kind === 'unknown' && within(answer));
    if (lost.length > 1) yield { text: `${id}: ${place} needed ${lost.length} retries` };
  }
  for (const { device, closes } of devices) {
    const rude = closes.find((close) => within(close) && !DRAINS.test(close.code));
    if (rude) yield { text: `${id}: a stream of ${device} ended with ${rude.code}` };
  }
}

function memberOf({ conversation, user }: { conversation: string; user: string }): string {
  return `${conversation}/${user}`;
}

function late({ id }: Fault, what: string, ms: number): Violation {
  return {
    text: `${id}: ${what} ${Number.isFinite(ms) ? `for ${Math.round(ms)} ms` : 'any more'} after the fault had healed`,
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}
