import { describe, describeEvent, everySight, placeOf } from './delivery-invariants.ts';
import type { History, Send } from './history.ts';

/** (conversation, seq) and message belong to each other, whoever looks and how often; one key is never stored twice. */
export function* once(history: History): Generator<string> {
  const sayings = new Map<string, string>();
  const places = new Map<string, string>();
  for (const [where, event] of everySight(history)) {
    const place = placeOf(event);
    const says = JSON.stringify(event.message ?? null);
    const known = sayings.get(place);
    if (known === undefined) sayings.set(place, says);
    else if (known !== says) yield `${where}: ${place} is ${says}, and ${known} elsewhere`;
    if (!event.message) continue;
    for (const id of [`id ${event.message.messageId}`, `key ${event.message.key} of ${event.message.sender}`]) {
      const first = places.get(id);
      if (first === undefined) places.set(id, place);
      else if (first !== place) yield `${where}: ${id} is at ${place} and at ${first}`;
    }
  }
  for (const send of history.sends) {
    const answers = new Set(
      send.answers.flatMap((each) => (each.kind === 'ok' ? [`${each.seq}/${each.messageId}`] : [])),
    );
    if (answers.size > 1) yield `${describe(send)} was acked as ${[...answers].join(' and as ')}`;
  }
}

/**
 * What a device is shown for the first time follows the last seq by one, per conversation. Only a reset may leave a hole,
 * and what the device then lists has to close it.
 */
export function* ordered({ devices, reads }: History): Generator<string> {
  for (const { device, observations } of devices) {
    const shown = new Map<string, { seqs: Set<number>; last: number }>();
    for (const each of observations) {
      if (each.kind === 'reset') continue;
      const { conversation, seq } = each.event;
      const known = shown.get(conversation);
      if (!known) {
        shown.set(conversation, { seqs: new Set([seq]), last: seq });
        continue;
      }
      const late = seq < known.last && !known.seqs.has(seq);
      if (late || seq > known.last + 1) yield `${device} was shown ${placeOf(each.event)} after seq ${known.last}`;
      known.seqs.add(seq);
      known.last = Math.max(known.last, seq);
    }
  }
  for (const { user, conversation, messages } of reads) {
    const falling = messages.find((each, i) => each.seq <= (messages[i - 1]?.seq ?? 0));
    if (falling) yield `${user} read ${describeEvent(falling)} of ${conversation} out of order`;
  }
}

/** Seqs of a conversation are 1 to n, message numbers 1 to m in the same order, positions of a shard 1 to k, each once. */
export function* gapless({ stored }: History): Generator<string> {
  for (const [conversation, events] of Map.groupBy(stored, (event) => event.conversation)) {
    yield* fromOne(`seq of ${conversation}`, events.map((event) => event.seq).toSorted(ascending));
    const messages = events.filter((event) => event.message).toSorted((a, b) => a.seq - b.seq);
    yield* fromOne(
      `number in ${conversation}`,
      messages.map((event) => event.message?.number ?? 0),
    );
    if (new Set(events.map((event) => event.shard)).size > 1) yield `${conversation} is in more than one shard`;
    const byPosition = events.toSorted((a, b) => a.position - b.position);
    const crossed = byPosition.find((event, i) => event.seq < (byPosition[i - 1]?.seq ?? 0));
    if (crossed) yield `${placeOf(crossed)} has a later position than a later seq`;
  }
  for (const [shard, events] of Map.groupBy(stored, (event) => event.shard)) {
    yield* fromOne(`position of shard ${shard}`, events.map((event) => event.position).toSorted(ascending));
  }
}

/**
 * In one conversation, a message that was acked before another one was first sent, or that the other's sender had been
 * shown by then, has the smaller seq.
 */
export function* realTime({ sends, devices }: History): Generator<string> {
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
}

function* laterThan(sends: readonly Send[], known: { at: number; seq: number }[], how: string): Generator<string> {
  const facts = known.toSorted((a, b) => a.at - b.at);
  let next = 0;
  let highest = 0;
  for (const send of sends.toSorted((a, b) => a.invokedAt - b.invokedAt)) {
    for (let fact = facts[next]; fact && fact.at < send.invokedAt; fact = facts[++next])
      highest = Math.max(highest, fact.seq);
    for (const { seq } of acksOf(send)) {
      if (seq <= highest) yield `${describe(send)} got seq ${seq} although seq ${highest} ${how} before it was sent`;
    }
  }
}

/** The topic has every event of the log once or more, and for the first time in the order of positions. */
export function* published({ stored, published: records }: History): Generator<string> {
  const log = new Map(stored.map((event) => [`${event.shard}/${event.position}`, event]));
  for (const [shard, ofShard] of Map.groupBy(records, (record) => record.shard)) {
    let last = 0;
    for (const record of ofShard) {
      const event = log.get(`${shard}/${record.position}`);
      if (!event || placeOf(event) !== placeOf(record))
        yield `position ${record.position} of shard ${shard} is another event than in the log`;
      if (record.position > last + 1) yield `position ${record.position} of shard ${shard} was published after ${last}`;
      last = Math.max(last, record.position);
    }
  }
  const known = new Set(records.map(({ shard, position }) => `${shard}/${position}`));
  for (const [place] of log) if (!known.has(place)) yield `shard/position ${place} was never published`;
}

function acksOf(send: Send) {
  return send.answers.filter((answer) => answer.kind === 'ok');
}

function* fromOne(what: string, values: number[]): Generator<string> {
  const wrong = values.findIndex((value, i) => value !== i + 1);
  if (wrong >= 0) yield `${what} is ${values[wrong]} where ${wrong + 1} should be`;
}

function ascending(a: number, b: number): number {
  return a - b;
}
