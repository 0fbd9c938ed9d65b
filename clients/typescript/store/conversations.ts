import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';

/** A conversation as the list shows it. */
export interface Entry {
  readonly conversation: Conversation;
  /** The newest message that was heard of; not set when none was, even if there are older ones. */
  readonly latest?: Message | undefined;
  /** The user is a member no more. */
  readonly left: boolean;
  /** The number of the message up to which nothing is unread. */
  readonly readNumber: bigint;
}

/** The user's conversations and what is unread in them. */
export class Conversations {
  readonly #entries = new Map<string, Entry>();

  get(conversationId: string): Entry | undefined {
    return this.#entries.get(conversationId);
  }

  /** Takes what the server says of a conversation. */
  put(conversation: Conversation): void {
    const known = this.#entries.get(conversation.conversationId);
    const readNumber = max(known?.readNumber ?? 0n, readNumberOf(conversation));
    this.#entries.set(conversation.conversationId, { latest: known?.latest, conversation, left: false, readNumber });
  }

  /**
   * Begins anew with the whole list as the server has it. Of the conversations in `knownBefore`, known when the list was
   * asked for, those that are not in it were left.
   */
  putAll(listed: readonly Conversation[], knownBefore: readonly string[]): void {
    const ids = new Set(listed.map(({ conversationId }) => conversationId));
    for (const id of knownBefore) if (!ids.has(id)) this.leave(id);
    for (const conversation of listed) {
      const { conversationId, lastNumber } = conversation;
      const known = this.#entries.get(conversationId);
      // What was read here may not have reached the server yet. A shorter log is another one.
      const readHere = min(known?.readNumber ?? 0n, lastNumber);
      const latest = known?.latest && known.latest.number <= lastNumber ? known.latest : undefined;
      const readNumber = max(readHere, readNumberOf(conversation));
      this.#entries.set(conversationId, { conversation, latest, left: false, readNumber });
    }
  }

  /** Takes what an earlier client had kept. */
  restore(entries: readonly Entry[]): void {
    for (const entry of entries) this.#entries.set(entry.conversation.conversationId, entry);
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  /** Takes a message, `own` when the user wrote it: who writes has read what was there. Repeats change nothing. */
  noteMessage(message: Message, own: boolean): void {
    const entry = this.#entries.get(message.conversationId);
    if (!entry) return;
    const latest = entry.latest && entry.latest.number >= message.number ? entry.latest : message;
    this.#entries.set(message.conversationId, { ...entry, latest });
    if (own) this.markRead(message.conversationId, message.number);
  }

  /** The user has read up to a number, here or on another device. */
  markRead(conversationId: string, number: bigint): void {
    const entry = this.#entries.get(conversationId);
    if (entry) this.#entries.set(conversationId, { ...entry, readNumber: max(entry.readNumber, number) });
  }

  /** The group has another title. */
  rename(conversationId: string, title: string): void {
    const entry = this.#entries.get(conversationId);
    if (entry) this.#entries.set(conversationId, { ...entry, conversation: { ...entry.conversation, title } });
  }

  /** The user is a member no more. */
  leave(conversationId: string): void {
    const entry = this.#entries.get(conversationId);
    if (entry) this.#entries.set(conversationId, { ...entry, left: true });
  }

  /** Those that the user is in, the last active first. */
  sorted(): Entry[] {
    return [...this.#entries.values()].filter(({ left }) => !left).sort((a, b) => activity(b) - activity(a));
  }
}

/** How many messages the user has not read on any device. */
export function unreadCount(entry: Entry): number {
  return Number(max(lastNumberOf(entry) - entry.readNumber, 0n));
}

/** The number of the newest message that is known to be there; 0 when there is none. */
export function lastNumberOf({ conversation, latest }: Entry): bigint {
  return max(conversation.lastNumber, latest?.number ?? 0n);
}

/** Beyond the read position there may be more that counts as read: what was there before the user joined. */
function readNumberOf({ lastNumber, unreadCount: unread }: Conversation): bigint {
  return lastNumber - unread;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function activity({ conversation, latest }: Entry): number {
  const time = latest?.createTime ?? conversation.createTime;
  return time ? timestampMs(time) : 0;
}
