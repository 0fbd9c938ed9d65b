import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';

/** A conversation as the list shows it. */
export interface Entry {
  readonly conversation: Conversation;
  /** The newest message that was heard of; not set when none was, even if there are older ones. */
  readonly latest?: Message;
  /** The user is a member no more. */
  readonly left: boolean;
  // The number of the newest message that the user has seen in this window.
  readonly seenNumber: bigint;
  // Pushed messages up to this seq are counted.
  readonly countedSeq: bigint;
}

/** The user's conversations and what is new in them. */
export class Conversations {
  readonly #entries = new Map<string, Entry>();

  get(conversationId: string): Entry | undefined {
    return this.#entries.get(conversationId);
  }

  /** Takes what the server says of a conversation. The first time, all that is in it counts as seen. */
  put(conversation: Conversation): void {
    const known = this.#entries.get(conversation.conversationId);
    const fresh = { seenNumber: conversation.lastNumber, countedSeq: 0n };
    this.#entries.set(conversation.conversationId, { ...fresh, ...known, conversation, left: false });
  }

  /**
   * Begins anew with the whole list as the server has it; only what the user has seen is remembered. Of the conversations
   * in `knownBefore`, known when the list was asked for, those that are not in it were left.
   */
  putAll(listed: readonly Conversation[], knownBefore: readonly string[]): void {
    const ids = new Set(listed.map(({ conversationId }) => conversationId));
    for (const id of knownBefore) if (!ids.has(id)) this.leave(id);
    for (const conversation of listed) {
      const { conversationId, lastNumber } = conversation;
      const seenNumber = min(this.#entries.get(conversationId)?.seenNumber ?? lastNumber, lastNumber);
      this.#entries.set(conversationId, { conversation, left: false, seenNumber, countedSeq: 0n });
    }
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  /** Counts a message. `seen` tells that the user has it before their eyes, or wrote it. Repeats change nothing. */
  noteMessage(message: Message, seen: boolean): void {
    const entry = this.#entries.get(message.conversationId);
    if (!entry || message.seq <= entry.countedSeq) return;
    // What the first listing took for seen may turn out to be news, when the stream replays what came since the last visit.
    const seenNumber = seen ? max(entry.seenNumber, message.number) : min(entry.seenNumber, message.number - 1n);
    this.#entries.set(message.conversationId, { ...entry, latest: message, countedSeq: message.seq, seenNumber });
  }

  /** The user has all of it before their eyes. */
  markSeen(conversationId: string): void {
    const entry = this.#entries.get(conversationId);
    if (!entry) return;
    const countedSeq = max(entry.conversation.lastSeq, entry.countedSeq);
    this.#entries.set(conversationId, { ...entry, seenNumber: headNumber(entry), countedSeq });
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

/** How many messages the user has not seen in this window. */
export function unseen(entry: Entry): number {
  return Number(headNumber(entry) - entry.seenNumber);
}

function headNumber({ conversation, latest }: Entry): bigint {
  return max(conversation.lastNumber, latest?.number ?? 0n);
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
