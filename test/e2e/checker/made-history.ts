import type { History, Seen, Send, Stored } from './history.ts';

/** Numbers from 0 up to, not including, `below`. */
export type Pick = (below: number) => number;

const SHARDS = 3;

/**
 * A history as a flawless product would have left it: some users in some conversations, sends that are repeated, retried
 * or refused, devices that are shown some events twice or have to list them after a reset, a topic with repeats.
 */
export function makeHistory(pick: Pick, size: { users: number; conversations: number; messages: number }): History {
  const users = Array.from({ length: size.users }, (_, i) => `user-${i}`);
  const members = new Map<string, Set<string>>();
  for (let i = 0; i < size.conversations; i++) {
    const others = users.filter(() => pick(2) === 0);
    members.set(`conversation-${i}`, new Set([users[i % users.length] ?? '', ...others]));
  }
  const log = new Log(members.keys());
  let clock = 0;
  const sends: Send[] = [];
  for (let i = 0; i < size.messages; i++) {
    const conversation = `conversation-${pick(size.conversations)}`;
    const user = choose(pick, [...(members.get(conversation) ?? [])]);
    const key = `key-${i}`;
    const send: Send = {
      user,
      device: `${user}-device`,
      conversation,
      key,
      text: `text ${i}`,
      invokedAt: ++clock,
      answers: [],
    };
    sends.push(send);
    if (pick(20) === 0) {
      send.answers.push({ kind: 'refused', at: ++clock, reason: 'RESOURCE_EXHAUSTED' });
      if (pick(2) === 0) continue;
    }
    const { seq, message } = log.append(conversation, { sender: user, key, text: send.text });
    const messageId = message?.messageId ?? '';
    if (pick(5) === 0) send.answers.push({ kind: 'unknown', at: ++clock, reason: 'UNAVAILABLE' });
    for (let times = 1 + pick(2); times > 0; times--) send.answers.push({ kind: 'ok', at: ++clock, seq, messageId });
  }
  const { stored } = log;
  const visible = (user: string) => stored.filter((event) => members.get(event.conversation)?.has(user)).map(toSeen);
  return {
    members,
    sends,
    stored,
    devices: users.map((user) => ({
      user,
      device: `${user}-device`,
      observations: observe(pick, visible(user), ++clock),
    })),
    reads: [...members].flatMap(([conversation, ofConversation]) =>
      [...ofConversation].map((user) => ({
        user,
        conversation,
        messages: visible(user).filter((event) => event.conversation === conversation && event.message),
      })),
    ),
    published: [...Map.groupBy(stored, (event) => event.shard).values()].flatMap((ofShard) =>
      withRepeats(pick, ofShard),
    ),
  };
}

/** Gives out seqs, numbers and positions as the product does, to a conversation's creation first. */
class Log {
  readonly stored: Stored[] = [];
  readonly #seqs = new Map<string, number>();
  readonly #numbers = new Map<string, number>();
  readonly #heads = new Map<number, number>();

  constructor(conversations: Iterable<string>) {
    for (const conversation of conversations) this.append(conversation);
  }

  append(conversation: string, said?: { sender: string; key: string; text: string }): Stored {
    const shard = Number(conversation.split('-')[1]) % SHARDS;
    const event: Stored = {
      conversation,
      seq: next(this.#seqs, conversation),
      shard,
      position: next(this.#heads, shard),
    };
    if (said) {
      const number = next(this.#numbers, conversation);
      event.message = { messageId: `message-${conversation}-${number}`, number, ...said };
    }
    this.stored.push(event);
    return event;
  }
}

/** In order of each conversation; now and then a few events again, or by a list after a reset. */
function observe(pick: Pick, events: Seen[], at: number): History['devices'][number]['observations'] {
  const observations: History['devices'][number]['observations'] = [];
  let index = 0;
  while (index < events.length) {
    const luck = pick(30);
    if (luck === 0) index = Math.max(0, index - 3);
    const event = events[index++];
    if (!event) break;
    if (luck === 1) observations.push({ kind: 'reset', at, reason: 'BACKLOG_TOO_LARGE' });
    observations.push({ kind: luck === 1 ? 'list' : 'push', at, event });
  }
  return observations;
}

function withRepeats(pick: Pick, events: Stored[]): Stored[] {
  return events.flatMap((event, i) => (pick(15) === 0 ? [event, ...events.slice(Math.max(0, i - 2), i + 1)] : [event]));
}

function toSeen({ conversation, seq, message }: Stored): Seen {
  return { conversation, seq, ...(message && { message: { ...message } }) };
}

function next<K>(counters: Map<K, number>, key: K): number {
  const value = (counters.get(key) ?? 0) + 1;
  counters.set(key, value);
  return value;
}

function choose<T>(pick: Pick, list: readonly T[]): T {
  return list[pick(list.length)] as T;
}
