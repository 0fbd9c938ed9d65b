import type { History, Seen, Send } from '../history/history.ts';

/** Something that must not be, and where in the history it is. */
export interface Violation {
  text: string;
  /** The message that it is about: where it stands, or under which key it was sent. */
  place?: { conversation: string; seq: number; device?: string };
}

/** What must hold of every history. */
export interface Invariant {
  /** As in docs/guarantees.md. */
  id: string;
  name: string;
  /** What is broken, the first of it first. */
  holds(this: void, history: History): Iterable<Violation>;
  /** Why a run of this kind has nothing to say about it, whatever becomes of it; undefined when it has. */
  notJudged?(this: void, history: History): string | undefined;
  /** Why the history cannot tell, though its run was to; undefined when it can. */
  unknown?(this: void, history: History): string | undefined;
}

/** Every event that anyone saw anywhere, with where. */
export function* everySight({ stored, devices, reads }: History): Generator<[where: string, event: Seen]> {
  for (const event of stored ?? []) yield ['the log', event];
  for (const { device, observations } of devices) {
    for (const each of observations) if (each.kind !== 'reset') yield [device, each.event];
  }
  for (const { user, messages } of reads) for (const event of messages) yield [`the reading of ${user}`, event];
}

/** Every message that is known to be there, once, by conversation and in order of seq. */
export function messagesOf(history: History): Map<string, Seen[]> {
  const byPlace = new Map<string, Seen>();
  for (const [, event] of everySight(history)) if (event.message) byPlace.set(placeOf(event), event);
  const byConversation = Map.groupBy(byPlace.values(), (event) => event.conversation);
  for (const events of byConversation.values()) events.sort((a, b) => a.seq - b.seq);
  return byConversation;
}

/** Answers whether a user may, and must, see what stands at a seq of a conversation. */
export function membership({
  stints,
}: Pick<History, 'stints'>): (user: string, place: { conversation: string; seq: number }) => boolean {
  const byMember = Map.groupBy(stints, ({ conversation, user }) => `${conversation}/${user}`);
  return (user, { conversation, seq }) =>
    (byMember.get(`${conversation}/${user}`) ?? []).some(({ joined, left }) => joined <= seq && seq <= left);
}

/** Answers who sent what stands there: a key of a sender in a conversation. Two devices of a user may use the same key. */
export function sendsByKey(history: History): Map<string, Send[]> {
  return Map.groupBy(history.sends, (send) => keyOf(send.conversation, send.user, send.key));
}

export function keyOf(conversation: string, user: string, key: string): string {
  return JSON.stringify([conversation, user, key]);
}

export function placeOf({ conversation, seq }: { conversation: string; seq: number }): string {
  return `${conversation}/${seq}`;
}

export function describeEvent(event: Seen): string {
  const { message } = event;
  return `${placeOf(event)} ${message ? `(message ${message.id}, key ${message.key})` : '(no message)'}`;
}

export function describeSend(send: Send): string {
  return `message ${send.key} of ${send.user} in ${send.conversation}`;
}

export function acksOf(send: Send) {
  return send.answers.filter((answer) => answer.kind === 'ok');
}
