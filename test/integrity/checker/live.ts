import type { Fault } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import { miscounted } from './effects.ts';
import { fullRateAfter, publishedAfter, type Sight, seenAfter, seenBetween } from './recovery.ts';
import { type Invariant, placeOf, type Violation } from './violation.ts';

/**
 * I11: within 30 s after a fault has healed, everything committed is published and sends are acked at 90 % of the rate before. Within
 * 10 s everything that was acked meanwhile is seen, and so is what is acked without a fault.
 */
export const live: Invariant = {
  id: 'I11',
  name: 'live',
  notJudged: ({ faults }) => (faults.length === 0 ? 'there was no fault to recover from' : undefined),
  unknown: (history) => {
    const unwatched = history.faults.find((fault) => publishedAfter(history, fault) === undefined);
    if (unwatched) return `nobody could tell what was published after ${unwatched.id}`;
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
      yield* seenLate(seenAfter(history, fault), `after ${fault.id} had healed`);
    }
    // Whoever does not say of what run it is may have put faults on it that are not told.
    if (history.run) yield* seenLate(seenBetween(history), 'after its ack, or the last fault since then');
  },
};

function* seenLate(seen: Sight | undefined, since: string): Generator<Violation> {
  if (!seen || seen.ms <= CEILINGS.seenMs) return;
  const text = `${seen.device} was shown ${placeOf(seen)} ${Math.round(seen.ms)} ms ${since}`;
  yield { text, place: seen };
}

/**
 * I13: the topic has every event of the log, in order for the first time; what a consumer made of it is there exactly once;
 * the dead letters are what was made unreadable.
 */
export const conserved: Invariant = {
  id: 'I13',
  name: 'conserved',
  notJudged: ({ run, stored, published }) =>
    run?.mesh !== 'own' && !stored && !published
      ? 'the log and the topic of this mesh cannot be looked into'
      : undefined,
  unknown: ({ stored, published, activity, deadLetters }) => {
    if (!stored || !published) return 'the log and the topic could not be read';
    if (!activity) return 'what a consumer made of the topic could not be read';
    return deadLetters ? undefined : 'the dead letters could not be read';
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

function late({ id }: Fault, what: string, ms: number): Violation {
  return {
    text: `${id}: ${what} ${Number.isFinite(ms) ? `for ${Math.round(ms)} ms` : 'any more'} after the fault had healed`,
  };
}
