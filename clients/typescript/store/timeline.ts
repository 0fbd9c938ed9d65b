import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { ListMessagesResponse } from '@realchat/gen/realchat/messaging/v1/message_service';
import { SeqRanges } from './seq-ranges.ts';

/** Messages of a conversation, with what they cover of it. */
export type TimelinePage = Pick<ListMessagesResponse, 'messages' | 'hasMore' | 'fromSeq' | 'throughSeq'>;

/** Which way a page of history was read. */
export type Direction = 'newest' | 'older' | 'newer';

/**
 * What this page knows of one conversation: which seqs it has heard of, and the messages among them. Answers to sends,
 * pushed events and pages of history may come in any order and more than once; the outcome is the same.
 */
export class Timeline {
  readonly #messages = new Map<bigint, Message>();
  readonly #known = new SeqRanges();
  // Where the shown stretch begins. What is known below it has holes that nobody asked to fill.
  #from: bigint | undefined;
  #head = 0n;
  #hasOlder = false;

  /** Whether history was read yet. Until then nothing is shown, since what was pushed may have holes before it. */
  get loaded(): boolean {
    return this.#from !== undefined;
  }

  /** Whether there are messages before the first shown one. */
  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  /** How many messages are held. */
  get size(): number {
    return this.#messages.size;
  }

  /** The seq to read older history before. */
  get from(): bigint {
    return this.#from ?? 0n;
  }

  /** Takes a message that was pushed, or that a send was answered with. False when it was known already. */
  addMessage(message: Message): boolean {
    if (this.#known.has(message.seq)) return false;
    this.#known.add(message.seq, message.seq);
    this.#messages.set(message.seq, message);
    return true;
  }

  /** Notes an event that is no message, so that its seq is not taken for a gap. */
  addOther(seq: bigint): void {
    this.#known.add(seq, seq);
  }

  /** Notes how far the conversation goes, by what the server says elsewhere: what is missing up to there is a gap. */
  expect(lastSeq: bigint): void {
    if (lastSeq > this.#head) this.#head = lastSeq;
  }

  /** The newest messages without a gap, at most `count`, as a page that another timeline can begin with. */
  newestPage(count: number): TimelinePage | undefined {
    if (this.#from === undefined) return undefined;
    const throughSeq = this.#known.endFrom(this.#from);
    const whole = this.messages().filter(({ seq }) => seq <= throughSeq);
    const messages = whole.slice(-count);
    const isCut = messages.length < whole.length;
    const fromSeq = isCut ? (messages[0]?.seq ?? this.#from) : this.#from;
    return { messages, fromSeq, throughSeq, hasMore: isCut || this.#hasOlder };
  }

  /** Takes a page of history. */
  addPage(page: TimelinePage, direction: Direction): void {
    for (const message of page.messages) this.#messages.set(message.seq, message);
    this.#known.add(page.fromSeq, page.throughSeq);
    if (direction === 'newer') return;
    if (this.#from === undefined || page.fromSeq < this.#from) {
      this.#from = page.fromSeq;
      this.#hasOlder = page.hasMore;
    }
  }

  /** The seq after which something is missing from the shown stretch, or undefined when it is whole. */
  gapAfter(): bigint | undefined {
    if (this.#from === undefined) return undefined;
    const end = this.#known.endFrom(this.#from);
    return end < this.#known.last || end < this.#head ? end : undefined;
  }

  /** The shown messages in order of seq. */
  messages(): Message[] {
    const from = this.#from;
    if (from === undefined) return [];
    return [...this.#messages.values()].filter(({ seq }) => seq >= from).sort(bySeq);
  }

  /** Keeps the newest `count` messages; the others can be read again as older history. */
  trim(count: number): void {
    const shown = this.messages();
    const first = shown.at(-count);
    if (first === undefined || shown.length === count) return;
    this.#from = first.seq;
    this.#hasOlder = true;
    this.#known.dropBefore(first.seq);
    for (const seq of this.#messages.keys()) if (seq < first.seq) this.#messages.delete(seq);
  }
}

function bySeq(a: Message, b: Message): number {
  return a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0;
}
