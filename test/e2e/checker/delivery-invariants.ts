import type { History, Seen, Send } from './history.ts';

/** What was acked is stored and in every member's full read, with the same id, seq and text: nothing acked is lost. */
export function* durable({ sends, stored, reads, members }: History): Generator<string> {
  const log = bySeq(stored);
  const readings = new Map(reads.map((read) => [`${read.user}/${read.conversation}`, bySeq(read.messages)]));
  for (const send of sends) {
    for (const answer of send.answers) {
      if (answer.kind !== 'ok') continue;
      const place = `${send.conversation}/${answer.seq}`;
      const wrong = mismatch(log.get(place), send, answer.messageId);
      if (wrong) yield `acked ${describe(send)} at seq ${answer.seq}: in the log ${wrong}`;
      for (const user of members.get(send.conversation) ?? []) {
        const reading = readings.get(`${user}/${send.conversation}`);
        const amiss = reading ? mismatch(reading.get(place), send, answer.messageId) : 'it was never read';
        if (amiss) yield `acked ${describe(send)} at seq ${answer.seq}: in the reading of ${user} ${amiss}`;
      }
    }
  }
}

/** Every device of a member was shown every message of the conversation. */
export function* delivered({ devices, stored, members }: History): Generator<string> {
  const byConversation = Map.groupBy(stored, (event) => event.conversation);
  for (const { device, user, observations } of devices) {
    const shown = new Set<string>();
    for (const each of observations) if (each.kind !== 'reset') shown.add(placeOf(each.event));
    for (const [conversation, users] of members) {
      if (!users.has(user)) continue;
      for (const event of byConversation.get(conversation) ?? []) {
        if (event.message && !shown.has(placeOf(event))) yield `${device} was never shown ${describeEvent(event)}`;
      }
    }
  }
}

/** Nothing is stored or shown that nobody sent, or whose every call was refused. */
export function* noPhantom(history: History): Generator<string> {
  const sent = new Map(history.sends.map((send) => [identity(send.conversation, send), send]));
  const judge = (event: Seen): string | undefined => {
    if (!event.message) return undefined;
    const { sender, key, text } = event.message;
    const send = sent.get(identity(event.conversation, { user: sender, key, text }));
    if (!send) return 'was never sent';
    const refused = send.answers.length > 0 && send.answers.every((answer) => answer.kind === 'refused');
    return refused ? 'was refused' : undefined;
  };
  for (const [where, event] of everySight(history)) {
    const why = judge(event);
    if (why) yield `${where}: ${describeEvent(event)} ${why}`;
  }
}

/** Nothing of a conversation is shown to anyone but its members. */
export function* isolated({ devices, reads, members }: History): Generator<string> {
  const may = (user: string, conversation: string) => members.get(conversation)?.has(user) ?? false;
  for (const { device, user, observations } of devices) {
    for (const each of observations) {
      if (each.kind !== 'reset' && !may(user, each.event.conversation)) {
        yield `${device} of ${user} was shown ${describeEvent(each.event)}`;
      }
    }
  }
  for (const { user, conversation, messages } of reads) {
    const foreign = may(user, conversation) ? messages.find((each) => each.conversation !== conversation) : messages[0];
    if (foreign) yield `${user} read ${describeEvent(foreign)} in ${conversation}`;
  }
}

/** Every event that anyone saw anywhere, with where. */
export function* everySight({ stored, devices, reads }: History): Generator<[where: string, event: Seen]> {
  for (const event of stored) yield ['log', event];
  for (const { device, observations } of devices) {
    for (const each of observations) if (each.kind !== 'reset') yield [device, each.event];
  }
  for (const { user, messages } of reads) for (const event of messages) yield [`reading of ${user}`, event];
}

export function placeOf({ conversation, seq }: { conversation: string; seq: number }): string {
  return `${conversation}/${seq}`;
}

export function describeEvent(event: Seen): string {
  return `${placeOf(event)} ${event.message ? `(message ${event.message.messageId}, key ${event.message.key})` : '(no message)'}`;
}

export function describe(send: Send): string {
  return `message ${send.key} of ${send.user} in ${send.conversation}`;
}

function bySeq(events: readonly Seen[]): Map<string, Seen> {
  return new Map(events.map((event) => [placeOf(event), event]));
}

function mismatch(event: Seen | undefined, send: Send, messageId: string): string | undefined {
  if (!event) return 'it is missing';
  const { message } = event;
  if (!message) return 'there is no message';
  if (message.messageId !== messageId) return `it is ${message.messageId}, acked as ${messageId}`;
  if (message.text !== send.text || message.sender !== send.user || message.key !== send.key)
    return 'it says otherwise';
  return undefined;
}

function identity(conversation: string, { user, key, text }: { user: string; key: string; text: string }): string {
  return JSON.stringify([conversation, user, key, text]);
}
