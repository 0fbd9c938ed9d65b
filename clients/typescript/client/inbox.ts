import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { ListMessagesResponse } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Lists } from '../chat/conversation-sync.ts';
import { backoffMs } from '../net/backoff.ts';
import type { Pause } from '../net/pause.ts';
import { endsOf, Standing } from './standing.ts';

/** What an inbox needs from outside. */
export interface InboxPorts {
  /** Reads messages after a seq, however long it takes. Rejects when the user may not read them, or when all is over. */
  list(conversationId: string, afterSeq: bigint): Promise<Pick<ListMessagesResponse, 'messages' | 'throughSeq'>>;
  /** Each message exactly once, in order of seq within its conversation. */
  message(message: Message): void;
  /** The last open gap was closed. */
  settled(): void;
  readonly pause: Pause;
}

const FRUITLESS_READS = 5;

/** From one seq to another, both included. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/** What is known while the stream has passed events over. */
interface Passed {
  /** Up to where conversations were told when it did. */
  readonly marks: ReadonlyMap<string, bigint>;
  /** The events that came since. */
  readonly came: Map<string, Span>;
}

/**
 * Makes exactly once out of at least once: takes the events of streams, repeats and gaps included, and tells each message
 * once and in order. It holds one seq per conversation and no messages: what comes while a gap is open is read with it.
 *
 * The first event of a conversation says where the conversation begins for this client. When a stream passes events over,
 * that would hide those of a conversation of which nothing was told: there the lists say where it begins.
 */
export class Inbox {
  readonly #ports: InboxPorts;
  // Up to here the conversation was told.
  readonly #marks: Map<string, bigint>;
  // The conversations that are being read, and how far that must go.
  readonly #gaps = new Map<string, bigint>();
  #touched = new Set<string>();
  readonly #standing = new Standing();
  // From when events were passed over until the next lists.
  #passed: Passed | undefined;
  #stopped = false;

  constructor(marks: ReadonlyMap<string, bigint>, ports: InboxPorts) {
    this.#marks = new Map(marks);
    this.#touched = new Set(marks.keys());
    this.#ports = ports;
  }

  /** Whether no gap is open, and none may be. */
  get whole(): boolean {
    return this.#gaps.size === 0 && this.#passed === undefined;
  }

  /** Takes an event of a stream. */
  take({ conversationId, seq, change }: ConversationEvent): void {
    const mark = this.#marks.get(conversationId);
    if (this.#passed) {
      const { first, last } = this.#passed.came.get(conversationId) ?? { first: seq, last: seq };
      this.#passed.came.set(conversationId, { first: lesser(first, seq), last: greater(last, seq) });
    }
    // Where it begins for this client is not known before the lists.
    if (mark === undefined && this.#passed && this.#standing.isKnown) return;
    if (this.#gaps.has(conversationId) || (mark !== undefined && seq > mark + 1n)) {
      this.#fill(conversationId, mark ?? 0n, seq);
    } else if (mark === undefined || seq > mark) {
      this.#moveTo(conversationId, seq);
      if (change.case === 'messageSent' && change.value.message) this.#ports.message(change.value.message);
    }
  }

  /** The stream goes on beyond events that it did not tell: the lists that follow say which. */
  passOver(): void {
    this.#passed ??= { marks: new Map(this.#marks), came: new Map() };
  }

  /**
   * Takes the lists of all conversations. Reads what was not told yet of those that were begun, and, when events were passed
   * over, of the others since they were last listed: of new ones all that the user may read.
   */
  takeLists(lists: Lists): void {
    const passed = this.#passed;
    this.#passed = undefined;
    // When nothing was passed over, what was before this client is not its to tell.
    const beginning = passed ? this.#standing.beginnings(lists) : () => undefined;
    for (const [conversationId, end] of endsOf(lists)) {
      const from = this.#marks.get(conversationId) ?? beginning(conversationId);
      const through = greater(end, passed?.came.get(conversationId)?.last);
      if (from !== undefined && through > from) this.#fill(conversationId, from, through);
      passed?.came.delete(conversationId);
    }
    // Newer than the lists, or no longer in them.
    for (const [conversationId, { first, last }] of passed?.came ?? []) {
      const from = this.#marks.get(conversationId) ?? this.#standing.of(conversationId) ?? first - 1n;
      if (last > from) this.#fill(conversationId, from, last);
    }
    this.noteLists(lists);
    if (passed && this.whole) this.#ports.settled();
  }

  /** Takes the lists of all conversations without reading: the stream tells what is missing. */
  noteLists(lists: Lists): void {
    this.#standing.note(lists);
  }

  /** The log may be another one: a conversation that is shorter than it was goes on from where it ends now. */
  rewind(lists: Lists): void {
    for (const [conversationId, end] of endsOf(lists)) {
      // What was told since may be newer than the lists.
      if ((this.#passed?.marks.get(conversationId) ?? 0n) > end) this.#marks.set(conversationId, end);
      this.#standing.rewind(conversationId, end);
    }
  }

  /** Up to which seq the conversations were told that have moved since `forgetMoves`. */
  moved(): Map<string, bigint> {
    return new Map([...this.#touched].map((id) => [id, this.#marks.get(id) ?? 0n]));
  }

  /** What was told so far is behind a cursor that is kept. */
  forgetMoves(): void {
    this.#touched = new Set();
  }

  stop(): void {
    this.#stopped = true;
  }

  #moveTo(conversationId: string, seq: bigint): void {
    this.#marks.set(conversationId, seq);
    this.#touched.add(conversationId);
  }

  #fill(conversationId: string, mark: bigint, through: bigint): void {
    const open = this.#gaps.get(conversationId);
    if (open === undefined || through > open) this.#gaps.set(conversationId, through);
    if (open === undefined) void this.#read(conversationId, mark);
  }

  async #read(conversationId: string, from: bigint): Promise<void> {
    let mark = from;
    let fruitless = 0;
    const through = () => this.#gaps.get(conversationId) ?? mark;
    while (mark < through() && fruitless < FRUITLESS_READS) {
      const page = await this.#ports.list(conversationId, mark).catch(() => undefined);
      if (this.#stopped) return;
      // The user may not read it any more: there is nothing to tell.
      if (page === undefined) break;
      fruitless = page.throughSeq > mark ? 0 : fruitless + 1;
      for (const message of page.messages) {
        if (message.seq <= mark) continue;
        this.#moveTo(conversationId, message.seq);
        this.#ports.message(message);
      }
      if (page.throughSeq > mark) mark = page.throughSeq;
      this.#moveTo(conversationId, mark);
      if (fruitless > 0) await this.#ports.pause.wait(backoffMs(fruitless));
    }
    // What cannot be read at all is another kind of event, or not for this user.
    if (mark < through()) this.#moveTo(conversationId, through());
    this.#gaps.delete(conversationId);
    if (this.whole) this.#ports.settled();
  }
}

function greater(one: bigint, other = 0n): bigint {
  return one > other ? one : other;
}

function lesser(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
