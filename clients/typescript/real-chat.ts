import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { newId } from './account/new-id.ts';
import { ConversationSync } from './chat/conversation-sync.ts';
import { SendLanes } from './chat/send-lanes.ts';
import { type Continuity, Subscription } from './chat/subscription.ts';
import { Account, type Credentials } from './client/account.ts';
import { type ChatStore, memoryStore } from './client/chat-store.ts';
import { Emitter } from './client/emitter.ts';
import { Inbox } from './client/inbox.ts';
import { KeptState } from './client/kept-state.ts';
import { Pause } from './net/pause.ts';
import { retrying } from './net/retrying.ts';
import type { SessionClosed, WebSocketConstructor } from './socket.ts';
import { Conversations, type Entry } from './store/conversations.ts';
import { Outbox, type Pending } from './store/outbox.ts';
import { createWebSocketTransport, type WebSocketTransport } from './web-socket-transport.ts';

export interface RealChatOptions {
  /** Where the edge is, as in `https://chat.example.com`; with a path, where its WebSocket is. */
  readonly url: string | URL;
  /** Keeps session, cursor and unsent messages over restarts. Default: nothing is kept over a restart. */
  readonly store?: ChatStore | undefined;
  /** The id of this device, 1 to 64 of A-Z, a-z, 0-9, `_`, `.` and `-`. Default: made once and kept in the store. */
  readonly deviceId?: string | undefined;
  /** Default: the global WebSocket. */
  readonly webSocket?: WebSocketConstructor | undefined;
  /** The store has failed, and the client goes on without it. Default: a line on the console. */
  readonly storeFailed?: ((error: unknown) => void) | undefined;
}

/** How the client hears of what others do: `ended` is for good, with the reason as a sentence. */
export interface Status {
  readonly state: 'connecting' | 'live' | 'reconnecting' | 'ended';
  readonly reason?: string;
}

/** What a client tells its application. */
export interface RealChatEvents {
  /** A message of any conversation, its own included: each once, in order of seq within its conversation. */
  message: Message;
  /** A message was written here and is being sent. */
  pending: Pending;
  /** A message that was written here is durable. May come before or after its `message`. */
  confirmed: Message;
  /** The server will not take a message that was written here: see its `refusal`. It is not sent again by itself. */
  refused: Pending;
  /** A conversation is new, has changed, or was left. */
  conversation: Entry;
  status: Status;
  /**
   * More was missed than the server replays, or its log is another one. Messages of conversations that this client has
   * begun to tell of still come as usual; of the others, read what you show again with `history`.
   */
  reset: undefined;
}

/** All that lives as long as `start` and `close` let it. */
interface Running {
  readonly inbox: Inbox;
  readonly sync: ConversationSync;
  readonly subscription: Subscription;
}

const UNARY_TIMEOUT_MS = 10_000;
const MOST_PENDING = 1_000;

/** A user's chat on one device, over lost sockets, restarts, expired tokens and reloads. Made by `createRealChat`. */
export class RealChat {
  readonly profiles: Client<typeof ProfileService>;
  readonly conversations: Client<typeof ConversationService>;
  readonly messages: Client<typeof MessageService>;
  readonly #options: RealChatOptions;
  readonly #kept: KeptState;
  readonly #account: Account;
  readonly #transport: WebSocketTransport;
  readonly #emitter = new Emitter<RealChatEvents>();
  readonly #pause = new Pause();
  readonly #closed = new AbortController();
  readonly #known = new Conversations();
  #userId = '';
  #outbox = new Outbox();
  #lanes: SendLanes | undefined;
  #running: Running | undefined;
  #status: Status = { state: 'connecting' };
  // Newer than what is kept, while a gap is open before it.
  #cursor: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(options: RealChatOptions) {
    const url = webSocketUrl(options.url);
    const { webSocket } = options;
    this.#options = options;
    const storeFailed = options.storeFailed ?? ((error) => console.error('the store of the chat has failed', error));
    this.#kept = new KeptState(options.store ?? memoryStore(), storeFailed);
    this.#account = new Account({
      url,
      webSocket,
      kept: this.#kept,
      // A socket that cannot take it closes, and the next one begins with the new token.
      renewed: (token) => void this.#transport.refresh(token).catch(() => {}),
      ended: (reason) => this.#end(reason),
    });
    this.#transport = createWebSocketTransport({
      url,
      webSocket,
      token: () => this.#account.session.token(),
      interceptors: [this.#account.renewing],
      onClosed: (event) => this.#socketClosed(event),
    });
    const bounded = withUnaryTimeout(this.#transport);
    this.profiles = createClient(ProfileService, bounded);
    this.conversations = createClient(ConversationService, bounded);
    this.messages = createClient(MessageService, bounded);
  }

  /** Calls any other service of the contract as the user who is logged in. Made for operators' tools. */
  service<S extends DescService>(service: S): Client<S> {
    return createClient(service, withUnaryTimeout(this.#transport));
  }

  /** Who is logged in; empty when nobody is. */
  get userId(): string {
    return this.#userId;
  }

  get status(): Status {
    return this.#status;
  }

  /** Messages that wait for their answer, in the order they were written; refused ones too, until they are discarded. */
  get pending(): Pending[] {
    return this.#outbox.all();
  }

  /** The conversations that the user is in, the last active first. Complete soon after `start`. */
  get known(): Entry[] {
    return this.#known.sorted();
  }

  /** Listens until the function that is returned is called. */
  on<Name extends keyof RealChatEvents>(name: Name, listener: (value: RealChatEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Makes an account and logs it in. @throws ConnectError */
  async register(credentials: Credentials): Promise<void> {
    await this.#account.register(credentials, await this.#kept.deviceId(this.#options.deviceId));
    await this.#entered();
  }

  /** @throws ConnectError */
  async login(credentials: Credentials): Promise<void> {
    await this.#account.login(credentials, await this.#kept.deviceId(this.#options.deviceId));
    await this.#entered();
  }

  /** Goes on with the session in the store. False when there is none: then log in. */
  async resume(): Promise<boolean> {
    const resumed = await this.#account.resume();
    if (resumed) await this.#entered();
    return resumed;
  }

  /** Begins to listen, from where this device was last, and to send what waits. */
  async start(): Promise<void> {
    if (this.#running) return;
    const { userId } = this.#account.session;
    const { cursor, marks } = await this.#kept.place(userId);
    const pause = this.#pause;
    const { signal } = this.#closed;
    const list = (conversationId: string, value: bigint) => {
      const from = { case: 'afterSeq' as const, value };
      const page = () => this.messages.listMessages({ conversationId, from, pageSize: 200 }, { signal });
      return retrying(page, { pause, signal });
    };
    const inbox = new Inbox(marks, {
      list,
      message: (message) => this.#emitter.emit('message', message),
      settled: () => this.#keepCursor(),
      pause,
    });
    const sync = new ConversationSync(this.#known, {
      service: this.conversations,
      userId,
      isSeen: () => false,
      changed: () => {},
      pause,
      signal,
    });
    const subscription = new Subscription({
      delivery: createClient(DeliveryService, this.#transport),
      cursor,
      keepCursor: (newer) => {
        this.#cursor = new Uint8Array(newer);
        this.#keepCursor();
      },
      renewToken: () => this.#account.renewForStream(),
      event: (event) => this.#event(event),
      caughtUp: (continuity) => this.#caughtUp(continuity),
      linkChanged: (state) => this.#setStatus({ state }),
      pause,
    });
    this.#running = { inbox, sync, subscription };
    this.#emitter.emit('status', this.#status);
    void this.#list();
    void subscription.run();
    for (const id of new Set(this.pending.map(({ conversationId }) => conversationId))) void this.#lanes?.run(id);
  }

  /**
   * Sends a text: shown as `pending` at once, then `confirmed` or `refused`, however long it takes. Answers its
   * client_message_id; once it resolves, the message is kept over a restart if there is a store.
   *
   * @param clientMessageId the key of an earlier attempt whose end is not known. Default: a new one.
   * @throws RangeError when 1,000 messages wait already.
   */
  async send(conversationId: string, text: string, clientMessageId: string = newId()): Promise<string> {
    if (this.#outbox.all().length >= MOST_PENDING) throw new RangeError('too many messages wait to be sent');
    const { userId } = this.#account.session;
    const pending = { clientMessageId, conversationId, text, writtenAt: Date.now() };
    this.#outbox.add(pending);
    this.#emitter.emit('pending', pending);
    await this.#kept.keepPending(userId, this.pending);
    void this.#lanes?.run(conversationId);
    return clientMessageId;
  }

  /** Sends a refused message again, with the same key. */
  retry({ clientMessageId, conversationId }: Pending): void {
    this.#outbox.retry(clientMessageId);
    this.#keepPending();
    void this.#lanes?.run(conversationId);
  }

  /** Gives a refused message up. */
  discard({ clientMessageId }: Pending): void {
    this.#outbox.remove(clientMessageId);
    this.#keepPending();
  }

  /** A page of a conversation, in order of seq: the newest messages, or those before a seq. @throws ConnectError */
  async history(conversationId: string, beforeSeq?: bigint): Promise<{ messages: Message[]; hasMore: boolean }> {
    const from = beforeSeq === undefined ? { case: undefined } : { case: 'beforeSeq' as const, value: beforeSeq };
    return this.messages.listMessages({ conversationId, from });
  }

  /** All conversations of the user, newest made first. @throws ConnectError */
  async listConversations(): Promise<Conversation[]> {
    const all: Conversation[] = [];
    for (let pageToken = ''; ; ) {
      const page = await this.conversations.listConversations({ pageSize: 200, pageToken });
      all.push(...page.conversations);
      pageToken = page.nextPageToken;
      if (pageToken === '') return all;
    }
  }

  /** There is reason to believe that the server can be reached now, as when the network is back: waits no longer. */
  wake(): void {
    this.#pause.wake();
  }

  /** Ends the session and forgets all that was kept of it. @throws ConnectError when the server did not hear of it. */
  async logout(): Promise<void> {
    const { userId } = this.#account.session;
    const loggedOut = this.#account.logout();
    this.#stop();
    try {
      await loggedOut;
    } finally {
      await this.#kept.keepPending(userId, []);
      await this.#kept.keepPlace(userId, undefined);
      this.#setStatus({ state: 'ended', reason: 'You have logged out.' });
    }
  }

  /** Stops, for good. A later client with the same store goes on where this one was. */
  async close(): Promise<void> {
    const running = this.#running;
    const place = { cursor: this.#cursor, marks: running?.inbox.moved() ?? new Map<string, bigint>() };
    const worthKeeping = running?.inbox.whole && place.cursor.length > 0 && this.#status.state !== 'ended';
    this.#stop();
    this.#account.close();
    if (worthKeeping) await this.#kept.keepPlace(this.#userId, place);
  }

  async #entered(): Promise<void> {
    const { userId } = this.#account.session;
    this.#userId = userId;
    this.#outbox = new Outbox(await this.#kept.pending(userId));
    this.#lanes = new SendLanes(this.#outbox, {
      send: (pending, signal) => this.#sendOnce(pending, signal),
      sent: (message) => this.#confirmed(message),
      refused: (pending, refusal) => {
        this.#outbox.refuse(pending.clientMessageId, refusal);
        this.#keepPending();
        this.#emitter.emit('refused', { ...pending, refusal });
      },
      pause: this.#pause,
    });
  }

  async #sendOnce({ conversationId, clientMessageId, text }: Pending, signal: AbortSignal): Promise<Message> {
    const content = { case: 'text' as const, value: text };
    const { message } = await this.messages.sendMessage({ conversationId, clientMessageId, content }, { signal });
    if (!message) throw new Error('an answer without a message');
    return message;
  }

  #event(event: ConversationEvent): void {
    const { change, conversationId } = event;
    if (change.case === 'messageSent' && change.value.message) {
      const { message } = change.value;
      // Its event may come before its answer, or instead of it.
      const isOwn = message.senderId === this.#userId;
      if (isOwn && this.#outbox.remove(message.clientMessageId)) this.#confirmed(message);
    }
    this.#running?.inbox.take(event);
    const isNew = this.#known.get(conversationId) === undefined;
    void this.#running?.sync.takeEvent(event).then(() => {
      if (isNew || change.case !== 'messageSent') this.#tellConversation(conversationId);
    });
  }

  #caughtUp(continuity: Continuity): void {
    this.#pause.wake();
    if (continuity === 'whole') return;
    if (continuity === 'reset') this.#emitter.emit('reset', undefined);
    void this.#list(continuity === 'reset');
  }

  async #list(isReset = false): Promise<void> {
    const running = this.#running;
    try {
      await running?.sync.listAll(this.#closed.signal);
    } catch {
      return; // Closed meanwhile.
    }
    for (const { conversation } of this.#known.sorted()) {
      if (isReset) running?.inbox.rewind(conversation.conversationId, conversation.lastSeq);
      // Before the stream is live, its replay is what fills gaps.
      if (this.#status.state === 'live') running?.inbox.expect(conversation.conversationId, conversation.lastSeq);
      this.#tellConversation(conversation.conversationId);
    }
  }

  #confirmed(message: Message): void {
    this.#keepPending();
    this.#emitter.emit('confirmed', message);
  }

  #tellConversation(conversationId: string): void {
    const entry = this.#known.get(conversationId);
    if (entry && !this.#closed.signal.aborted) this.#emitter.emit('conversation', entry);
  }

  #keepPending(): void {
    void this.#kept.keepPending(this.#userId, this.pending);
  }

  #keepCursor(): void {
    const inbox = this.#running?.inbox;
    // A cursor beyond a gap would lose what is in it.
    if (!inbox?.whole || this.#closed.signal.aborted) return;
    inbox.forgetMoves();
    void this.#kept.keepPlace(this.#userId, { cursor: this.#cursor, marks: new Map() });
  }

  #socketClosed({ code, reason, after }: SessionClosed): void {
    if (after === 'give_up') this.#end(`The server does not understand this client (${code} ${reason}).`);
  }

  #end(reason: string): void {
    this.#stop();
    this.#setStatus({ state: 'ended', reason });
  }

  #stop(): void {
    this.#closed.abort();
    this.#running?.inbox.stop();
    this.#running?.subscription.stop();
    this.#lanes?.stop();
    this.#transport.close();
  }

  #setStatus(status: Status): void {
    if (this.#status.state === 'ended') return;
    this.#status = status;
    this.#emitter.emit('status', status);
  }
}

/**
 * Makes a client that stays: log in or resume, listen to its events, start, send.
 *
 * @example
 * const chat = createRealChat({ url: 'http://localhost:8080', store: webStore(sessionStorage) });
 * if (!(await chat.resume())) await chat.login({ username, password });
 * chat.on('message', (message) => show(message));
 * await chat.start();
 * await chat.send(conversationId, 'hello');
 */
export function createRealChat(options: RealChatOptions): RealChat {
  return new RealChat(options);
}

/** An answer that was lost must not be waited for forever; a stream has no deadline. */
function withUnaryTimeout(transport: Transport): Transport {
  return {
    unary: (method, signal, timeoutMs, ...rest) =>
      transport.unary(method, signal, timeoutMs ?? UNARY_TIMEOUT_MS, ...rest),
    stream: (...call) => transport.stream(...call),
  };
}

function webSocketUrl(given: string | URL): URL {
  const url = new URL(given);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.pathname === '/') url.pathname = '/ws';
  return url;
}
