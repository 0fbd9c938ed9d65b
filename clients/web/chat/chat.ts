import type { Client } from '@connectrpc/connect';
import {
  type Continuity,
  ConversationSync,
  Conversations,
  Directory,
  Histories,
  type History,
  type Link,
  newId,
  Outbox,
  Pause,
  type Pending,
  SendLanes,
  Subscription,
} from '@realchat/client';
import type { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { Services } from '../net/edge.ts';
import { ConversationMaker } from './conversation-maker.ts';

/** What a user's chat needs from outside. */
export interface ChatPorts {
  readonly userId: string;
  readonly username: string;
  readonly services: Services;
  readonly delivery: Client<typeof DeliveryService>;
  /** Gets another access token, since the present one was refused. */
  readonly renewToken: () => Promise<unknown>;
  /** What an earlier page of this window left. */
  readonly kept: { readonly cursor: Uint8Array<ArrayBuffer>; readonly pending: readonly Pending[] };
  readonly keepCursor: (cursor: Uint8Array) => void;
  readonly keepPending: (pending: readonly Pending[]) => void;
  /** Whether the user looks at the page. */
  readonly isVisible: () => boolean;
  /** Something of what is shown has changed. */
  readonly changed: () => void;
  /** How long a gap may stay open before it is repaired, in milliseconds. */
  readonly gapGraceMs?: number;
}

const GAP_GRACE_MS = 400;
const MOST_SHOWN = 400;
const SHOWN_AFTER_TRIM = 200;

/** All of a logged-in user's chat but its looks: what the page shows, and what can be done on it. */
export class Chat {
  readonly userId: string;
  readonly conversations = new Conversations();
  readonly directory: Directory;
  readonly outbox: Outbox;
  /** Whether the user reads further up: then nothing is taken away there. */
  readingBack = false;
  readonly #ports: ChatPorts;
  readonly #pause = new Pause();
  readonly #stopped = new AbortController();
  readonly #histories: Histories;
  readonly #lanes: SendLanes;
  readonly #sync: ConversationSync;
  readonly #maker: ConversationMaker;
  readonly #subscription: Subscription;
  // What was pushed before the conversations were listed; undefined afterwards.
  #early: ConversationEvent[] | undefined = [];
  #listing = new AbortController();
  #current: string | undefined;

  constructor(ports: ChatPorts) {
    const { userId, services, changed } = ports;
    const pause = this.#pause;
    const { signal } = this.#stopped;
    this.#ports = ports;
    this.userId = userId;
    this.outbox = new Outbox(ports.kept.pending);
    this.directory = new Directory(services.profiles, changed);
    this.directory.know(userId, ports.username);
    this.#maker = new ConversationMaker(services.conversations, this.directory);
    this.#histories = new Histories({
      list: (request, aborted) => services.messages.listMessages(request, { signal: aborted }),
      changed,
      pause,
      gapGraceMs: ports.gapGraceMs ?? GAP_GRACE_MS,
    });
    this.#lanes = new SendLanes(this.outbox, {
      send: (pending, aborted) => sendOnce(services, pending, aborted),
      sent: (message) => this.#committed(message),
      refused: ({ clientMessageId }, sentence) => {
        this.outbox.refuse(clientMessageId, sentence);
        this.#pendingChanged();
      },
      pause,
    });
    this.#sync = new ConversationSync(this.conversations, {
      service: services.conversations,
      userId,
      isSeen: (conversationId) => this.#isSeen(conversationId),
      changed,
      pause,
      signal,
    });
    this.#subscription = new Subscription({
      delivery: ports.delivery,
      cursor: ports.kept.cursor,
      keepCursor: ports.keepCursor,
      renewToken: ports.renewToken,
      event: (event) => this.#event(event),
      caughtUp: (continuity) => this.#caughtUp(continuity),
      linkChanged: changed,
      pause,
    });
  }

  /** Begins to listen, to load and to send what waits. */
  start(): void {
    void this.#list();
    void this.#subscription.run();
    for (const conversationId of new Set(this.outbox.all().map((pending) => pending.conversationId))) {
      void this.#lanes.run(conversationId);
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#listing.abort();
    this.#subscription.stop();
    this.#lanes.stop();
    this.#histories.clear();
  }

  get link(): Link {
    return this.#subscription.link;
  }

  /** Whether the conversations were listed yet. */
  get listed(): boolean {
    return this.#early === undefined;
  }

  /** The conversation that is shown. */
  get current(): string | undefined {
    return this.#current;
  }

  /** Whether it is between two users alone. */
  get isDirect(): boolean {
    const entry = this.conversations.get(this.#current ?? '');
    return entry?.conversation.kind === ConversationKind.DIRECT;
  }

  /** Its messages. */
  get history(): History | undefined {
    return this.#current === undefined ? undefined : this.#histories.get(this.#current);
  }

  /** Shows a conversation, or none. */
  show(conversationId: string | undefined): void {
    this.#current = conversationId;
    this.readingBack = false;
    if (conversationId !== undefined) this.#histories.open(conversationId);
    this.looked();
  }

  /** The user looks at the page: what is shown is seen, and what waits is worth a try now. */
  looked(): void {
    this.#pause.wake();
    if (this.#current !== undefined && this.#isSeen(this.#current)) this.conversations.markSeen(this.#current);
    this.#ports.changed();
  }

  /** Opens the conversation with a user, and returns its id. @throws FormProblem about `username`. */
  async openDirect(username: string): Promise<string> {
    const conversation = await this.#maker.direct(username);
    this.conversations.put(conversation);
    return conversation.conversationId;
  }

  /** Makes a group, and returns its id. @throws FormProblem about `title` or `members`. */
  async createGroup(title: string, usernames: readonly string[]): Promise<string> {
    const conversation = await this.#maker.group(title, usernames);
    this.conversations.put(conversation);
    return conversation.conversationId;
  }

  /** Sends a text to the conversation that is shown. It is shown at once. */
  send(text: string): void {
    if (this.#current === undefined) return;
    const conversationId = this.#current;
    this.outbox.add({ clientMessageId: newId(), conversationId, text, writtenAt: Date.now() });
    this.#pendingChanged();
    void this.#lanes.run(conversationId);
  }

  /** Sends a refused message again, with the same key. */
  retry({ clientMessageId, conversationId }: Pending): void {
    this.outbox.retry(clientMessageId);
    this.#pendingChanged();
    void this.#lanes.run(conversationId);
  }

  /** Gives a refused message up. */
  discard({ clientMessageId }: Pending): void {
    this.outbox.remove(clientMessageId);
    this.#pendingChanged();
  }

  async readOlder(): Promise<void> {
    if (this.#current !== undefined) await this.#histories.readOlder(this.#current);
  }

  async #list(): Promise<void> {
    this.#listing.abort();
    this.#listing = new AbortController();
    this.#early ??= [];
    try {
      await this.#sync.listAll(this.#listing.signal);
    } catch {
      return; // Stopped, or begun again, meanwhile.
    }
    for (const { conversation } of this.conversations.sorted()) {
      this.#histories.expect(conversation.conversationId, conversation.lastSeq);
    }
    const early = this.#early;
    this.#early = undefined;
    for (const event of early) void this.#sync.takeEvent(event);
    this.looked();
  }

  #event(event: ConversationEvent): void {
    this.#histories.takeEvent(event);
    const { change, conversationId } = event;
    if (change.case === 'messageSent' && change.value.message) this.#settle(change.value.message);
    if (this.#early) this.#early.push(event);
    else void this.#sync.takeEvent(event);
    this.#trim(conversationId);
    this.#ports.changed();
  }

  #caughtUp(continuity: Continuity): void {
    this.#pause.wake();
    if (continuity === 'whole') return;
    if (continuity === 'reset') {
      this.#histories.clear();
      this.show(this.#current);
    }
    // The list tells how far each conversation goes; what is missing in those that are held is read.
    void this.#list();
  }

  #committed(message: Message): void {
    this.#histories.takeMessage(message);
    this.conversations.noteMessage(message, true);
    this.#pendingChanged();
  }

  /** Its own message is committed, as its event tells. */
  #settle({ senderId, clientMessageId }: Message): void {
    if (senderId === this.userId && this.outbox.remove(clientMessageId)) this.#ports.keepPending(this.outbox.all());
  }

  #pendingChanged(): void {
    this.#ports.keepPending(this.outbox.all());
    this.#ports.changed();
  }

  #isSeen(conversationId: string): boolean {
    return conversationId === this.#current && this.#ports.isVisible();
  }

  #trim(conversationId: string): void {
    if (conversationId !== this.#current || this.readingBack) return;
    const shown = this.history?.timeline.size ?? 0;
    if (shown > MOST_SHOWN) this.#histories.trim(conversationId, SHOWN_AFTER_TRIM);
  }
}

async function sendOnce({ messages }: Services, pending: Pending, signal: AbortSignal): Promise<Message> {
  const { conversationId, clientMessageId, text } = pending;
  const content = { case: 'text' as const, value: text };
  const { message } = await messages.sendMessage({ conversationId, clientMessageId, content }, { signal });
  if (!message) throw new Error('an answer without a message');
  return message;
}
