import type { History, Seen, Send } from '../history/history.ts';
import {
  acksOf,
  describeEvent,
  describeSend,
  everySight,
  type Invariant,
  membership,
  messagesOf,
  placeOf,
  type Violation,
} from './violation.ts';

/** I3: (conversation, seq) and message belong to each other, whoever looks and how often; one key is never stored twice. */
export const once: Invariant = {
  id: 'I3',
  name: 'once',
  *holds(history) {
    const sayings = new Map<string, Seen>();
    const places = new Map<string, string>();
    for (const [where, event] of everySight(history)) {
      const place = placeOf(event);
      const at = { conversation: event.conversation, seq: event.seq };
      const known = sayings.get(place);
      if (known === undefined) sayings.set(place, event);
      else if (event.seq > 0 && !sayTheSame(known, event)) {
        yield { text: `${where}: ${place} is ${saying(event)}, and ${saying(known)} elsewhere`, place: at };
      }
      if (!event.message) continue;
      for (const id of [`id ${event.message.id}`, `key ${event.message.key} of ${event.message.sender}`]) {
        const first = places.get(id);
        if (first === undefined) places.set(id, place);
        else if (first !== place) yield { text: `${where}: ${id} is at ${place} and at ${first}`, place: at };
      }
    }
    for (const send of history.sends) {
      const answers = new Set(acksOf(send).map((each) => `seq ${each.seq} (${each.messageId})`));
      if (answers.size > 1) yield { text: `${describeSend(send)} was acked as ${[...answers].join(' and as ')}` };
    }
  },
};

/**
 * I4: what a device is shown for the first time follows the last of its conversation; no message that it may see is left out
 * on the way. After a reset, what it missed must come by backfill before the next.
 */
export const ordered: Invariant = {
  id: 'I4',
  name: 'ordered',
  *holds(history) {
    const messages = messagesOf(history);
    const isDue = membership(history);
    for (const { device, user, observations } of history.devices) {
      const shown = new Map<string, { seqs: Set<number>; last: number }>();
      for (const each of observations) {
        if (each.kind === 'reset' || each.event.seq === 0) continue;
        const { conversation, seq } = each.event;
        const place = { conversation, seq, device };
        const known = shown.get(conversation);
        if (!known) {
          shown.set(conversation, { seqs: new Set([seq]), last: seq });
          continue;
        }
        const late = seq < known.last && !known.seqs.has(seq) && each.event.message !== undefined;
        if (late) yield { text: `${device} was shown ${placeOf(place)} after seq ${known.last}`, place };
        const skipped = firstBetween(messages.get(conversation) ?? [], known.last, seq, (event) => isDue(user, event));
        if (skipped) {
          const text = `${device} was shown ${placeOf(place)} after seq ${known.last}, before ${describeEvent(skipped)}`;
          yield { text, place: { conversation, seq: skipped.seq, device } };
        }
        known.seqs.add(seq);
        known.last = Math.max(known.last, seq);
      }
    }
    for (const { user, conversation, messages: read } of history.reads) {
      const falling = read.find((each, i) => each.seq <= (read[i - 1]?.seq ?? 0));
      if (falling)
        yield { text: `${user} read ${describeEvent(falling)} of ${conversation} out of order`, place: falling };
    }
  },
};

/**
 * I5: seqs of a conversation are 1 to n, message numbers 1 to m in the same order. Where the log can be seen, positions of a
 * shard are 1 to k and run with the seqs.
 */
export const gapless: Invariant = {
  id: 'I5',
  name: 'gap-free',
  *holds(history) {
    for (const [conversation, events] of messagesOf(history)) {
      yield* fromOne(
        `number in ${conversation}`,
        events.map((event) => event.message?.number ?? 0),
        events,
      );
    }
    if (!history.stored) return;
    for (const [conversation, events] of Map.groupBy(history.stored, (event) => event.conversation)) {
      const withSeq = events.filter((event) => event.seq > 0);
      const bySeq = withSeq.toSorted((a, b) => a.seq - b.seq);
      yield* fromOne(
        `seq of ${conversation}`,
        bySeq.map((event) => event.seq),
        bySeq,
      );
      if (new Set(events.map((event) => event.shard)).size > 1)
        yield { text: `${conversation} is in more than one shard` };
      const byPosition = withSeq.toSorted((a, b) => a.position - b.position);
      const crossed = byPosition.find((event, i) => event.seq < (byPosition[i - 1]?.seq ?? 0));
      if (crossed) yield { text: `${placeOf(crossed)} has a later position than a later seq`, place: crossed };
    }
    yield* positions(history);
  },
};

/** A read position that was superseded is gone from the log, and still has its position in the topic. */
function* positions({ stored = [], published }: History): Generator<Violation> {
  if (!published) return;
  for (const [shard, events] of Map.groupBy([...stored, ...published], (event) => event.shard)) {
    const known = [...new Set(events.map((event) => event.position))].toSorted((a, b) => a - b);
    yield* fromOne(`position of shard ${shard}`, known, []);
  }
}

/**
 * I6: in one conversation, a message that was acked before another one was first sent, or that the other's sender had been
 * shown by then, has the smaller seq.
 */
export const realTime: Invariant = {
  id: 'I6',
  name: 'causal and in real time',
  *holds({ sends, devices }) {
    for (const ofConversation of Map.groupBy(sends, (send) => send.conversation).values()) {
      const acks = ofConversation.flatMap((send) => acksOf(send).map(({ at, seq }) => ({ at, seq })));
      yield* laterThan(ofConversation, acks, 'was acked');
    }
    const bySender = Map.groupBy(sends, (send) => `${send.device}/${send.conversation}`);
    for (const { device, observations } of devices) {
      const pushes = observations.flatMap((each) => (each.kind === 'push' ? [{ at: each.at, ...each.event }] : []));
      for (const [conversation, shown] of Map.groupBy(pushes, (each) => each.conversation)) {
        yield* laterThan(bySender.get(`${device}/${conversation}`) ?? [], shown, `was shown to ${device}`);
      }
    }
  },
};

function* laterThan(sends: readonly Send[], known: { at: number; seq: number }[], how: string): Generator<Violation> {
  const facts = known.toSorted((a, b) => a.at - b.at);
  let next = 0;
  let highest = 0;
  for (const send of sends.toSorted((a, b) => a.invokedAt - b.invokedAt)) {
    for (let fact = facts[next]; fact && fact.at < send.invokedAt; fact = facts[++next])
      highest = Math.max(highest, fact.seq);
    for (const { seq } of acksOf(send)) {
      if (seq > highest) continue;
      const text = `${describeSend(send)} got seq ${seq} although seq ${highest} ${how} before it was sent`;
      yield { text, place: { conversation: send.conversation, seq } };
    }
  }
}

function sayTheSame(a: Seen, b: Seen): boolean {
  const [one, other] = [a.message, b.message];
  if (!one || !other) return one === other;
  return (
    one.id === other.id &&
    one.number === other.number &&
    one.sender === other.sender &&
    one.key === other.key &&
    one.hash === other.hash
  );
}

function saying({ message }: Seen): string {
  return message ? `message ${message.number}, ${message.id}, key ${message.key}, body ${message.hash}` : 'no message';
}

/** The first event whose seq is between two others, both left out, and that is meant. */
function firstBetween(
  events: readonly Seen[],
  from: number,
  to: number,
  isMeant: (event: Seen) => boolean,
): Seen | undefined {
  if (to <= from + 1) return undefined;
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.seq ?? 0) <= from) low = middle + 1;
    else high = middle;
  }
  for (let event = events[low]; event && event.seq < to; event = events[++low]) if (isMeant(event)) return event;
  return undefined;
}

function* fromOne(what: string, values: number[], events: readonly Seen[]): Generator<Violation> {
  const wrong = values.findIndex((value, i) => value !== i + 1);
  if (wrong < 0) return;
  const place = events[wrong];
  yield { text: `${what} is ${values[wrong]} where ${wrong + 1} should be`, ...(place && { place }) };
}
