import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { ListMessagesResponse } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Lists } from '../chat/conversation-sync.ts';
import { backoffMs } from '../net/backoff.ts';
import type { Pause } from '../net/pause.ts';
import { greatest, least } from './seqs.ts';
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

/** What is being read of a conversation. */
interface Gap {
  /** How far that must go. */
  through: bigint;
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
  // The conversations that are being read.
  readonly #gaps = new Map<string, Gap>();
  // What was pushed moved the marks of these, since `forgetMoves`.
  #pushed = new Set<string>();
  // What was read moved the marks of these, further than what is pushed is known to have come.
  readonly #ahead: Set<string>;
  readonly #standing = new Standing();
  // From when events were passed over until the next lists.
  #passed: Passed | undefined;
  #stopped = false;

  constructor(marks: ReadonlyMap<string, bigint>, ports: InboxPorts) {
    this.#marks = new Map(marks);
    this.#ahead = new Set(marks.keys());
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
      this.#passed.came.set(conversationId, { first: least(first, seq) ?? seq, last: greatest(last, seq) });
    }
    // Where it begins for this client is not known before the lists.
    if (mark === undefined && this.#passed && this.#standing.isKnown) return;
    if (mark !== undefined && seq >= mark) this.#ahead.delete(conversationId);
    if (this.#gaps.has(conversationId) || (mark !== undefined && seq > mark + 1n)) {
      this.#fill(conversationId, mark ?? 0n, seq);
    } else if (mark === undefined || seq > mark) {
      this.#marks.set(conversationId, seq);
      this.#pushed.add(conversationId);
      if (change.case === 'messageSent' && change.value.message) this.#ports.message(change.value.message);
    }
  }

  /**
   * The stream goes on beyond events that it did not tell: the lists that follow say which. What came since it did so last is
   * forgotten when it does so `again`: it may be of another log, and the lists have it.
   */
  passOver(again: boolean): void {
    if (again || !this.#passed) this.#passed = { marks: new Map(this.#marks), came: new Map() };
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
      const came = passed?.came.get(conversationId);
      const from = this.#marks.get(conversationId) ?? least(beginning(conversationId), beforeAll(came));
      const through = greatest(end, came?.last);
      if (from !== undefined && through > from) this.#fill(conversationId, from, through);
      passed?.came.delete(conversationId);
    }
    this.#goOnWith(passed);
    this.#standing.note(lists);
    if (passed && this.whole) this.#ports.settled();
  }

  /** No lists follow: what was passed over is not known, and what came since is told from there on. */
  goOn(): void {
    const passed = this.#passed;
    this.#passed = undefined;
    this.#goOnWith(passed);
    if (passed && this.whole) this.#ports.settled();
  }

  /** Takes the lists of all conversations without reading: the stream tells what is missing. */
  noteLists(lists: Lists): void {
    this.#standing.note(lists);
  }

  /** Takes the first list, before the other one has come. */
  notePresent(present: Lists['present']): void {
    if (!this.#standing.isKnown) this.#standing.note({ present });
  }

  /** The log may be another one: a conversation that is shorter than it was goes on from where it ends now. */
  rewind(lists: Lists): void {
    const ends = endsOf(lists);
    const { marks = new Map<string, bigint>(), came } = this.#passed ?? {};
    for (const [conversationId, told] of marks) {
      const end = ends.get(conversationId);
      const isGone = end === undefined && lists.left !== undefined;
      if (!isGone && (end === undefined || told <= end)) continue;
      // What is read is of the log of before.
      this.#gaps.delete(conversationId);
      if (isGone) this.#marks.delete(conversationId);
      else this.#marks.set(conversationId, least(end, beforeAll(came?.get(conversationId))) ?? 0n);
    }
    this.#standing.rewind(ends, (conversationId) => beforeAll(came?.get(conversationId)));
  }

  /** Up to which seq the conversations were told of which more was told than a cursor is known to cover. */
  moved(): Map<string, bigint> {
    return new Map([...this.#pushed, ...this.#ahead].map((id) => [id, this.#marks.get(id) ?? 0n]));
  }

  /** A cursor covers what was pushed so far. */
  forgetMoves(): void {
    this.#pushed = new Set();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Tells what came that no list has: of conversations that are newer, or that are in none any more. */
  #goOnWith(passed: Passed | undefined): void {
    for (const [conversationId, came] of passed?.came ?? []) {
      const from = this.#marks.get(conversationId) ?? least(this.#standing.of(conversationId), came.first - 1n);
      if (from !== undefined && came.last > from) this.#fill(conversationId, from, came.last);
    }
  }

  #fill(conversationId: string, mark: bigint, through: bigint): void {
    const open = this.#gaps.get(conversationId);
    if (open) open.through = greatest(open.through, through);
    else void this.#read(conversationId, mark, through);
  }

  async #read(conversationId: string, from: bigint, through: bigint): Promise<void> {
    const gap: Gap = { through };
    this.#gaps.set(conversationId, gap);
    let mark = from;
    let fruitless = 0;
    while (mark < gap.through && fruitless < FRUITLESS_READS) {
      const page = await this.#ports.list(conversationId, mark).catch(() => undefined);
      if (this.#stopped || this.#gaps.get(conversationId) !== gap) return;
      // The user may not read it any more: there is nothing to tell.
      if (page === undefined) break;
      fruitless = page.throughSeq > mark ? 0 : fruitless + 1;
      for (const message of page.messages) {
        if (message.seq <= mark) continue;
        this.#hasRead(conversationId, message.seq);
        this.#ports.message(message);
      }
      mark = greatest(page.throughSeq, mark);
      this.#hasRead(conversationId, mark);
      if (fruitless > 0) await this.#ports.pause.wait(backoffMs(fruitless));
    }
    if (this.#gaps.get(conversationId) !== gap) return;
    // What cannot be read at all is another kind of event, or not for this user.
    if (mark < gap.through) this.#hasRead(conversationId, gap.through);
    this.#gaps.delete(conversationId);
    if (this.whole) this.#ports.settled();
  }

  #hasRead(conversationId: string, through: bigint): void {
    this.#marks.set(conversationId, through);
    this.#ahead.add(conversationId);
  }
}

function beforeAll(came: Span | undefined): bigint | undefined {
  return came && came.first - 1n;
}
