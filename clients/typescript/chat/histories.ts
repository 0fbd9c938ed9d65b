import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type {
  ListMessagesRequestSchema,
  ListMessagesResponse,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import { backoffMs } from '../net/backoff.ts';
import { failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';
import { type Direction, Timeline, type TimelinePage } from '../store/timeline.ts';

/** What reading history needs from outside. */
export interface HistoryPorts {
  list(request: MessageInitShape<typeof ListMessagesRequestSchema>, signal: AbortSignal): Promise<ListMessagesResponse>;
  /** What an earlier client kept of a conversation, as far as it is known already. */
  kept?(conversationId: string): Promise<TimelinePage | undefined>;
  changed(conversationId: string): void;
  readonly pause: Pause;
  /** How long a gap may stay open before it is repaired, in milliseconds: what is on its way fills most by itself. */
  readonly gapGraceMs: number;
}

/** A conversation whose messages are held. */
export interface History {
  readonly timeline: Timeline;
  readonly reading: boolean;
  /** Why its messages cannot be read, as a sentence. */
  readonly problem?: string | undefined;
}

interface Entry extends History {
  timeline: Timeline;
  reading: boolean;
  problem?: string | undefined;
  repairing: boolean;
  /** Up to where its messages come from an earlier client. */
  keptThrough?: bigint;
  readonly closed: AbortController;
}

const PAGE_SIZE = 50;
const REPAIR_PAGE_SIZE = 200;

/** Reads the messages of conversations that were opened, and repairs the gaps in them. */
export class Histories {
  readonly #ports: HistoryPorts;
  readonly #entries = new Map<string, Entry>();

  constructor(ports: HistoryPorts) {
    this.#ports = ports;
  }

  get(conversationId: string): History | undefined {
    return this.#entries.get(conversationId);
  }

  /** Holds a conversation's messages from now on, beginning with the newest ones. */
  open(conversationId: string): void {
    const known = this.#entries.get(conversationId);
    if (known && !known.problem) return;
    void this.#begin(conversationId, true);
  }

  /** Reads all that is held anew: it may be of another log. */
  reopen(): void {
    for (const conversationId of this.#entries.keys()) void this.#begin(conversationId, false);
  }

  /** Reads the page before the first message that is held. */
  async readOlder(conversationId: string): Promise<void> {
    const entry = this.#entries.get(conversationId);
    if (entry?.timeline.loaded && entry.timeline.hasOlder && !entry.reading) {
      await this.#read(conversationId, entry, 'older');
    }
  }

  /** Takes a pushed event. */
  takeEvent({ conversationId, seq, change }: ConversationEvent): void {
    const entry = this.#entries.get(conversationId);
    // Read positions have no place among the messages.
    if (!entry || seq === 0n) return;
    if (change.case === 'messageSent' && change.value.message) entry.timeline.addMessage(change.value.message);
    else entry.timeline.addOther(seq);
    void this.#repair(conversationId, entry);
  }

  /** Takes a page that was read for another purpose. */
  takePage(conversationId: string, page: TimelinePage): void {
    const entry = this.#entries.get(conversationId);
    if (!entry?.timeline.loaded) return;
    entry.timeline.addPage(page, 'newer');
    this.#ports.changed(conversationId);
  }

  /** Takes the answer to a send. */
  takeMessage(message: Message): void {
    const entry = this.#entries.get(message.conversationId);
    if (!entry) return;
    entry.timeline.addMessage(message);
    void this.#repair(message.conversationId, entry);
  }

  /** Notes how far a conversation goes; what is missing is read. */
  expect(conversationId: string, lastSeq: bigint): void {
    const entry = this.#entries.get(conversationId);
    if (!entry) return;
    entry.timeline.expect(lastSeq);
    void this.#repair(conversationId, entry);
  }

  /** Lets go of all but the newest messages of a conversation. */
  trim(conversationId: string, count: number): void {
    this.#entries.get(conversationId)?.timeline.trim(count);
  }

  /** Reads no more. */
  close(): void {
    for (const { closed } of this.#entries.values()) closed.abort();
  }

  /** Shows at once what an earlier client kept, if that is wanted, and then what the server has. */
  async #begin(conversationId: string, wantsKept: boolean): Promise<void> {
    this.#entries.get(conversationId)?.closed.abort();
    const closed = new AbortController();
    const entry: Entry = { timeline: new Timeline(), reading: true, repairing: false, closed };
    this.#entries.set(conversationId, entry);
    const kept = wantsKept ? await this.#ports.kept?.(conversationId) : undefined;
    if (closed.signal.aborted) return;
    if (kept) {
      entry.keptThrough = kept.throughSeq;
      entry.timeline.addPage(kept, 'newest');
    }
    await this.#read(conversationId, entry, 'newest');
  }

  async #read(conversationId: string, entry: Entry, direction: Direction): Promise<void> {
    const { pause } = this.#ports;
    const { signal } = entry.closed;
    entry.reading = true;
    this.#ports.changed(conversationId);
    try {
      const from =
        direction === 'older' ? { case: 'beforeSeq' as const, value: entry.timeline.from } : { case: undefined };
      const request = { conversationId, from, pageSize: PAGE_SIZE };
      const page = await retrying(() => this.#ports.list(request, signal), { signal, pause });
      if (direction === 'newest') dropWhatWasKept(entry, page);
      entry.timeline.addPage(page, direction);
      void this.#repair(conversationId, entry);
    } catch (thrown) {
      entry.problem = failureOf(thrown).sentence;
    } finally {
      entry.reading = false;
      if (!signal.aborted) this.#ports.changed(conversationId);
    }
  }

  async #repair(conversationId: string, entry: Entry): Promise<void> {
    if (entry.repairing || entry.timeline.gapAfter() === undefined) return;
    const { pause, gapGraceMs } = this.#ports;
    const { signal } = entry.closed;
    entry.repairing = true;
    try {
      // Not to be woken: what is awaited comes by itself, or not at all.
      await new Promise((resolve) => setTimeout(resolve, gapGraceMs));
      let fruitless = 0;
      for (let gap = entry.timeline.gapAfter(); gap !== undefined && !signal.aborted; ) {
        const from = { case: 'afterSeq' as const, value: gap };
        const request = { conversationId, from, pageSize: REPAIR_PAGE_SIZE };
        entry.timeline.addPage(await retrying(() => this.#ports.list(request, signal), { signal, pause }), 'newer');
        this.#ports.changed(conversationId);
        const next = entry.timeline.gapAfter();
        fruitless = next === gap ? fruitless + 1 : 0;
        if (fruitless) await pause.wait(backoffMs(fruitless), signal);
        gap = next;
      }
    } catch (thrown) {
      if (!signal.aborted) entry.problem = failureOf(thrown).sentence;
    } finally {
      entry.repairing = false;
    }
  }
}

/** Lets go of what an earlier client kept when the newest page does not follow it: too much was missed, or the log is another one. */
function dropWhatWasKept(entry: Entry, { fromSeq, throughSeq }: TimelinePage): void {
  const { keptThrough, timeline } = entry;
  if (keptThrough === undefined || (fromSeq <= keptThrough + 1n && throughSeq >= keptThrough)) return;
  entry.timeline = new Timeline();
  for (const message of timeline.messages()) if (message.seq > keptThrough) entry.timeline.addMessage(message);
}
