import type { History, Seen, Send } from '../history/history.ts';
import {
  acksOf,
  describeEvent,
  describeSend,
  everySight,
  type Invariant,
  keyOf,
  membership,
  messagesOf,
  placeOf,
  sendsByKey,
  type Violation,
} from './violation.ts';

/** I1: what was acked is stored and in every member's full read, with the same id, seq and body; read positions stay. */
export const durable: Invariant = {
  id: 'I1',
  name: 'durable',
  unknown: ({ reads }) => (reads.length === 0 ? 'nobody read the conversations back' : undefined),
  *holds(history) {
    const { sends, stored, reads } = history;
    const log = stored && bySeq(stored);
    const readings = [...Map.groupBy(reads, (read) => read.conversation)];
    const byConversation = new Map(
      readings.map(([id, list]) => [id, list.map((read) => ({ ...read, seqs: bySeq(read.messages) }))]),
    );
    const mayRead = membership(history);
    for (const send of sends) {
      for (const { seq, messageId } of acksOf(send)) {
        const place = { conversation: send.conversation, seq };
        const acked = `${describeSend(send)} was acked at seq ${seq}`;
        const wrong = log && mismatch(log.get(placeOf(place)), send, messageId);
        if (wrong) yield { text: `${acked}: in the log ${wrong}`, place };
        for (const read of byConversation.get(send.conversation) ?? []) {
          if (!mayRead(read.user, place)) continue;
          const amiss = mismatch(read.seqs.get(placeOf(place)), send, messageId);
          if (amiss) yield { text: `${acked}: in the reading of ${read.user} ${amiss}`, place };
        }
      }
    }
    for (const { user, conversation, gone } of reads)
      if (gone) yield { text: `${user} is a member of ${conversation}, and is told that there is none` };
    yield* readPositions(history);
  },
};

function* readPositions({ readPositions: positions }: History): Generator<Violation> {
  const acked = new Map<string, number>();
  for (const { user, conversation, number, found } of positions) {
    const whose = `${user} in ${conversation}`;
    const highest = acked.get(whose) ?? 0;
    if (!found) acked.set(whose, Math.max(highest, number));
    else if (number < highest) yield { text: `${whose} had read up to number ${highest}, and is back at ${number}` };
  }
}

/**
 * I2: every device that is connected at the end was shown every message that was sent while its user was a member: what was
 * acked, and what is known to be stored, whether its sender was told so or not.
 */
export const delivered: Invariant = {
  id: 'I2',
  name: 'delivered',
  unknown: ({ devices }) =>
    devices.some((device) => device.connected) ? undefined : 'no device is connected at the end',
  *holds(history) {
    const isDue = membership(history);
    const owed = [...Map.groupBy(owedOf(history), ({ place }) => place.conversation)];
    for (const device of history.devices) {
      if (!device.connected) continue;
      const shown = new Set<string>();
      for (const each of device.observations) if (each.kind !== 'reset') shown.add(placeOf(each.event));
      for (const [, messages] of owed) {
        for (const { place, invokedAt, what } of messages) {
          if (invokedAt < device.liveAt || !isDue(device.user, place) || shown.has(placeOf(place))) continue;
          yield { text: `${device.device} was never shown ${what}`, place: { ...place, device: device.device } };
        }
      }
    }
  },
};

/** I7: nothing is stored or shown that nobody sent, or whose every call was refused. */
export const noPhantom: Invariant = {
  id: 'I7',
  name: 'no phantom',
  *holds(history) {
    const sent = Map.groupBy(history.sends, (send) => identity(send.conversation, send.user, send.key, send.hash));
    const judged = new Set<string>();
    for (const [where, event] of everySight(history)) {
      if (!event.message) continue;
      const { sender, key, hash } = event.message;
      const name = identity(event.conversation, sender, key, hash);
      const once = `${name}${event.seq}`;
      if (judged.has(once)) continue;
      judged.add(once);
      const sends = sent.get(name);
      const place = { conversation: event.conversation, seq: event.seq };
      if (!sends) yield { text: `${where}: ${describeEvent(event)} was never sent`, place };
      else if (sends.every((send) => send.answers.length > 0 && send.answers.every(({ kind }) => kind === 'refused')))
        yield { text: `${where}: ${describeEvent(event)} was refused`, place };
    }
  },
};

interface Owed {
  place: { conversation: string; seq: number };
  invokedAt: number;
  what: string;
}

/** What nobody sent is no member's due: I7 tells of it. */
function owedOf(history: History): Iterable<Owed> {
  const owed = new Map<string, Owed>();
  const take = (each: Owed) => owed.has(placeOf(each.place)) || owed.set(placeOf(each.place), each);
  for (const send of history.sends) {
    const [ack] = acksOf(send);
    if (!ack) continue;
    const place = { conversation: send.conversation, seq: ack.seq };
    take({ place, invokedAt: send.invokedAt, what: `${describeSend(send)}, acked at seq ${ack.seq}` });
  }
  const sends = sendsByKey(history);
  for (const event of [...messagesOf(history).values()].flat()) {
    const { conversation, seq, message } = event;
    const own = message && sends.get(keyOf(conversation, message.sender, message.key));
    if (!own) continue;
    const invokedAt = Math.min(...own.map((send) => send.invokedAt));
    take({ place: { conversation, seq }, invokedAt, what: `${describeEvent(event)}, stored and not acked` });
  }
  return owed.values();
}

function bySeq(events: readonly Seen[]): Map<string, Seen> {
  return new Map(events.map((event) => [placeOf(event), event]));
}

function mismatch(event: Seen | undefined, send: Send, messageId: string): string | undefined {
  if (!event) return 'it is missing';
  const { message } = event;
  if (!message) return 'there is no message';
  if (message.id !== messageId) return `it is ${message.id}, acked as ${messageId}`;
  if (message.hash !== send.hash || message.sender !== send.user || message.key !== send.key)
    return 'it says otherwise';
  return undefined;
}

function identity(conversation: string, sender: string, key: string, hash: string): string {
  return JSON.stringify([conversation, sender, key, hash]);
}
