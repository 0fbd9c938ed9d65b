import type { Client } from '@connectrpc/connect';
import type { DeliveryService, Transient } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { ConversationMaker } from '../chat/conversation-maker.ts';
import { ConversationSync } from '../chat/conversation-sync.ts';
import { CursorAcks } from '../chat/cursor-acks.ts';
import { Directory } from '../chat/directory.ts';
import { Histories } from '../chat/histories.ts';
import { Members } from '../chat/members.ts';
import { PositionMarks } from '../chat/position-marks.ts';
import { PresenceWatch } from '../chat/presence-watch.ts';
import { SendLanes } from '../chat/send-lanes.ts';
import { type Continuity, Subscription } from '../chat/subscription.ts';
import { TypingTold } from '../chat/typing-told.ts';
import { readAgainMs } from '../net/backoff.ts';
import { failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';
import { Conversations } from '../store/conversations.ts';
import { Outbox, type Pending } from '../store/outbox.ts';
import { TypingHeard } from '../store/typing-heard.ts';
import type { RealChatEvents } from './events.ts';
import { Inbox } from './inbox.ts';
import type { KeptState, Place } from './kept-state.ts';
import { Later } from './later.ts';

/** What a user's chat needs from outside. */
export interface UserChatPorts {
  readonly userId: string;
  readonly username: string;
  readonly profiles: Client<typeof ProfileService>;
  readonly conversations: Client<typeof ConversationService>;
  readonly messages: Client<typeof MessageService>;
  readonly delivery: Client<typeof DeliveryService>;
  readonly kept: KeptState;
  readonly place: Place;
  readonly pending: readonly Pending[];
  /** Whether to tell the senders what has arrived here. */
  readonly markDelivered: boolean;
  /** Whether to keep the conversations, and the messages of those that are held, over a reload. */
  readonly keepHistory: boolean;
  readonly gapGraceMs: number;
  readonly pause: Pause;
  /** Gets another access token, since the stream was refused. */
  renewToken(): Promise<void>;
  emit<Name extends keyof RealChatEvents>(name: Name, value: RealChatEvents[Name]): void;
  status(state: 'connecting' | 'live' | 'reconnecting'): void;
}

const READ_GATHER_MS = 200;
const DELIVERED_GATHER_MS = 500;
const KEEP_EVERY_MS = 500;
const KEPT_MESSAGES = 50;

/** All of one login that lives until it is over, wired together: the stream, what was heard, and what is to be said. */
export class UserChat {
  readonly known = new Conversations();
  readonly outbox: Outbox;
  readonly directory: Directory;
  readonly maker: ConversationMaker;
  readonly histories: Histories;
  readonly members: Members;
  readonly lanes: SendLanes;
  readonly sync: ConversationSync;
  readonly presence: PresenceWatch;
  readonly typingTold: TypingTold;
  readonly typingHeard: TypingHeard;
  readonly #ports: UserChatPorts;
  readonly #closed = new AbortController();
  readonly #reads: PositionMarks;
  readonly #deliveries: PositionMarks;
  readonly #inbox: Inbox;
  readonly #subscription: Subscription;
  readonly #acks: CursorAcks;
  readonly #keepSoon = new Later(KEEP_EVERY_MS, () => this.keepNow());
  readonly #unkept = new Set<string>();
  // Newer than what is kept, while a gap is open before it.
  #cursor: Uint8Array<ArrayBuffer>;
  #live = false;

  constructor(ports: UserChatPorts) {
    const { userId, conversations, messages, pause, place } = ports;
    const { signal } = this.#closed;
    const changed = () => ports.emit('changed', undefined);
    this.#ports = ports;
    this.#cursor = place.cursor;
    this.outbox = new Outbox(ports.pending);
    this.directory = new Directory(ports.profiles, changed);
    this.directory.know(userId, ports.username);
    this.maker = new ConversationMaker(conversations, this.directory);
    this.members = new Members({ service: conversations, changed, pause, signal });
    this.lanes = new SendLanes(this.outbox, {
      send: (pending, aborted) => this.#sendOnce(pending, aborted),
      sent: (message) => this.#confirmed(message),
      refused: (pending, refusal) => {
        this.outbox.refuse(pending.clientMessageId, refusal);
        this.pendingChanged();
        ports.emit('refused', { ...pending, refusal });
      },
      pause,
    });
    this.histories = new Histories({
      list: (request, aborted) => messages.listMessages(request, { signal: aborted }),
      kept: async (conversationId) => (ports.keepHistory ? ports.kept.history(userId, conversationId) : undefined),
      changed: (conversationId) => this.#toKeep(conversationId),
      pause,
      gapGraceMs: ports.gapGraceMs,
    });
    this.#reads = new PositionMarks({
      mark: async (conversationId, number, aborted) =>
        (await messages.markRead({ conversationId, number }, { signal: aborted })).readNumber,
      gatherMs: READ_GATHER_MS,
      pause,
      signal,
    });
    this.#deliveries = new PositionMarks({
      mark: async (conversationId, number, aborted) =>
        (await messages.markDelivered({ conversationId, number }, { signal: aborted })).deliveredNumber,
      gatherMs: DELIVERED_GATHER_MS,
      pause,
      signal,
    });
    this.typingTold = new TypingTold({
      set: (conversationId, active) => ports.delivery.setTyping({ conversationId, active }, { signal }),
    });
    this.typingHeard = new TypingHeard((conversationId) => {
      ports.emit('typing', { conversationId, userIds: this.typingHeard.in(conversationId) });
      changed();
    });
    this.#inbox = new Inbox(place.marks, {
      list: async (conversationId, value) => {
        const from = { case: 'afterSeq' as const, value };
        const read = () => messages.listMessages({ conversationId, from, pageSize: 200 }, { signal });
        const page = await retrying(read, { pause, signal, delayMs: readAgainMs });
        this.histories.takePage(conversationId, page);
        return page;
      },
      message: (message) => this.#message(message),
      settled: () => this.#keepPlace(),
      pause,
    });
    this.sync = new ConversationSync(this.known, {
      service: conversations,
      userId,
      changed: (conversationId) => this.tellConversation(conversationId),
      noted: changed,
      pause,
      signal,
    });
    this.#acks = new CursorAcks((acked) => ports.delivery.acknowledgeCursor({ cursor: acked }, { signal }));
    this.presence = new PresenceWatch({
      watch: (userIds, aborted) => ports.delivery.watchPresence({ userIds }, { signal: aborted }),
      renewToken: () => ports.renewToken(),
      changed: (userId) => {
        ports.emit('presence', { userId, presence: this.presence.of(userId) });
        changed();
      },
      pause,
      signal,
    });
    this.#subscription = new Subscription({
      delivery: ports.delivery,
      cursor: place.cursor,
      keepCursor: (newer) => {
        this.#cursor = new Uint8Array(newer);
        if (this.#inbox.whole) this.#inbox.forgetMoves();
        this.#keepPlace();
      },
      renewToken: () => ports.renewToken(),
      event: (event) => this.#event(event),
      transient: (transient) => this.#transient(transient),
      reset: (reason) => ports.emit('reset', reason),
      passedOver: () => this.#passedOver(true),
      caughtUp: (continuity) => this.#caughtUp(continuity),
      linkChanged: (link) => {
        this.#live = link === 'live';
        ports.status(link);
      },
      pause,
    });
  }

  /** Begins to listen, to load and to send what waits. */
  async start(): Promise<void> {
    const { keepHistory, kept, userId } = this.#ports;
    if (keepHistory) this.known.restore(await kept.conversations(userId));
    this.#list('whole');
    void this.#subscription.run();
    for (const id of new Set(this.outbox.all().map(({ conversationId }) => conversationId))) void this.lanes.run(id);
  }

  /** Time may have passed unnoticed. */
  woken(): void {
    this.#subscription.check();
    this.presence.check();
  }

  /** Holds a conversation's messages and members from now on. */
  open(conversationId: string): void {
    this.histories.open(conversationId);
    this.members.hold(conversationId);
  }

  /** The user has read up to a number. */
  markRead(conversationId: string, number: bigint): void {
    this.known.markRead(conversationId, number);
    this.#reads.move(conversationId, number);
    this.#toKeep();
  }

  pendingChanged(): void {
    void this.#ports.kept.keepPending(this.#ports.userId, this.outbox.all());
    this.#ports.emit('changed', undefined);
  }

  tellConversation(conversationId: string): void {
    const entry = this.known.get(conversationId);
    if (entry && !this.#closed.signal.aborted) this.#ports.emit('conversation', entry);
    this.#toKeep();
  }

  /** Keeps at once what is to be kept soon, as before a page goes away. */
  keepNow(): void {
    const { keepHistory, kept, userId } = this.#ports;
    if (!keepHistory || this.#closed.signal.aborted) return;
    if (this.sync.listed) void kept.keepConversations(userId, this.known.sorted());
    for (const conversationId of this.#unkept) {
      const page = this.histories.get(conversationId)?.timeline.newestPage(KEPT_MESSAGES);
      if (page) void kept.keepHistory(userId, conversationId, page);
    }
    this.#unkept.clear();
  }

  /** Stops, and keeps what a later client goes on with. */
  async close(): Promise<void> {
    const { kept, userId } = this.#ports;
    const place = { cursor: this.#cursor, marks: this.#inbox.moved() };
    const worthKeeping = this.#inbox.whole && place.cursor.length > 0;
    this.keepNow();
    this.stop();
    if (worthKeeping) await kept.keepPlace(userId, place);
    await kept.written();
  }

  stop(): void {
    this.#closed.abort();
    this.#keepSoon.cancel();
    this.#inbox.stop();
    this.#subscription.stop();
    this.lanes.stop();
    this.histories.close();
    this.#acks.close();
    this.typingTold.close();
    this.typingHeard.clear();
  }

  async #sendOnce({ conversationId, clientMessageId, text }: Pending, signal: AbortSignal): Promise<Message> {
    const { messages } = this.#ports;
    const content = { case: 'text' as const, value: text };
    const attempt = { clientMessageId, conversationId };
    try {
      const { message } = await messages.sendMessage({ conversationId, clientMessageId, content }, { signal });
      if (!message) throw new Error('an answer without a message');
      this.#ports.emit('attempt', { ...attempt, outcome: 'stored', message });
      return message;
    } catch (thrown) {
      const { passing, reason } = failureOf(thrown);
      this.#ports.emit('attempt', { ...attempt, outcome: passing ? 'unknown' : 'refused', reason });
      throw thrown;
    }
  }

  #event(event: ConversationEvent): void {
    const { change, seq } = event;
    this.#ports.emit('pushed', event);
    if (change.case === 'messageSent' && change.value.message) {
      const { message } = change.value;
      // Its event may come before its answer, or instead of it.
      const isOwn = message.senderId === this.#ports.userId;
      if (isOwn && this.outbox.remove(message.clientMessageId)) this.#confirmed(message);
      this.typingHeard.stopped(message.conversationId, message.senderId);
    }
    if (change.case === 'readAdvanced' && change.value.userId === this.#ports.userId) {
      this.#reads.know(event.conversationId, change.value.number);
    }
    this.histories.takeEvent(event);
    this.members.takeEvent(event);
    // An event without a seq has no place among those that are told in order.
    if (seq > 0n) this.#inbox.take(event);
    void this.sync.takeEvent(event);
    this.#toKeep(event.conversationId);
  }

  #transient({ conversationId, actorId, kind }: Transient): void {
    if (kind.case === 'deliveredAdvanced') this.members.delivered(conversationId, actorId, kind.value.number);
    if (kind.case === 'typing' && actorId !== this.#ports.userId) {
      this.typingHeard.take(conversationId, actorId, kind.value.active);
    }
  }

  /** Once and in order. */
  #message(message: Message): void {
    const { conversationId, number, senderId } = message;
    const isOwn = senderId === this.#ports.userId;
    const isRead = number <= this.#reads.reached(conversationId);
    if (this.#ports.markDelivered && !isOwn && !isRead) this.#deliveries.move(conversationId, number);
    this.#ports.emit('message', message);
  }

  #caughtUp(continuity: Continuity): void {
    this.#ports.pause.wake();
    this.members.refresh();
    if (continuity === 'reset') {
      this.#reads.forget();
      this.#deliveries.forget();
      this.histories.reopen();
    }
    if (continuity !== 'whole') {
      this.#passedOver(false);
      this.#list(continuity);
    }
  }

  /** The list that follows says what was passed over, and none that was asked for before. */
  #passedOver(again: boolean): void {
    this.sync.outdate();
    this.#inbox.passOver(again);
  }

  #list(continuity: Continuity): void {
    void this.sync.listAll({
      present: (present) => {
        this.#inbox.notePresent(present);
        this.#tellAll();
      },
      all: (lists) => {
        if (continuity === 'reset') this.#inbox.rewind(lists);
        // Before the stream is live, its replay is what fills gaps.
        if (this.#live || continuity !== 'whole') this.#inbox.takeLists(lists);
        else this.#inbox.noteLists(lists);
      },
      refused: () => {
        this.#inbox.goOn();
        this.#tellAll();
      },
    });
  }

  #tellAll(): void {
    for (const { conversation } of this.known.sorted()) {
      const { conversationId, lastSeq } = conversation;
      this.histories.expect(conversationId, lastSeq);
      this.tellConversation(conversationId);
    }
    this.#toKeep();
  }

  #confirmed(message: Message): void {
    this.histories.takeMessage(message);
    this.known.noteMessage(message, true);
    this.#toKeep(message.conversationId);
    this.pendingChanged();
    this.#ports.emit('confirmed', message);
  }

  #keepPlace(): void {
    // A cursor beyond a gap would lose what is in it.
    if (!this.#inbox.whole || this.#closed.signal.aborted) return;
    const cursor = this.#cursor;
    const kept = this.#ports.kept.keepPlace(this.#ports.userId, { cursor, marks: this.#inbox.moved() });
    void kept.then(() => this.#acks.moved(cursor));
  }

  /** Something changed that is shown at once and kept soon. */
  #toKeep(conversationId?: string): void {
    if (this.#closed.signal.aborted) return;
    if (this.#ports.keepHistory) {
      if (conversationId !== undefined && this.histories.get(conversationId)) this.#unkept.add(conversationId);
      this.#keepSoon.call();
    }
    this.#ports.emit('changed', undefined);
  }
}
