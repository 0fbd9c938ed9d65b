import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { DeliveryService, type Presence } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Conversation, Member } from '@realchat/gen/realchat/messaging/v1/conversation';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { newId } from './account/new-id.ts';
import type { History } from './chat/histories.ts';
import type { Receipts } from './chat/members.ts';
import { Account, type Credentials } from './client/account.ts';
import { memoryStore } from './client/chat-store.ts';
import { Emitter } from './client/emitter.ts';
import type { RealChatEvents, Status } from './client/events.ts';
import { KeptState } from './client/kept-state.ts';
import type { RealChatOptions } from './client/options.ts';
import { withUnaryTimeout } from './client/unary-timeout.ts';
import { UserChat } from './client/user-chat.ts';
import { watchForWaking } from './client/wake-signals.ts';
import { allPages } from './net/all-pages.ts';
import { Pause } from './net/pause.ts';
import type { SessionClosed } from './socket.ts';
import { type Entry, lastNumberOf } from './store/conversations.ts';
import type { Pending } from './store/outbox.ts';
import { createWebSocketTransport, type WebSocketTransport } from './web-socket-transport.ts';

const MOST_PENDING = 1_000;
const GAP_GRACE_MS = 400;
const PROBE_MS = 3_000;

/** A user's chat on one device, over lost sockets, restarts, expired tokens and reloads. Made by `createRealChat`. */
export class RealChat {
  readonly profiles: Client<typeof ProfileService>;
  readonly conversations: Client<typeof ConversationService>;
  readonly messages: Client<typeof MessageService>;
  readonly #options: RealChatOptions;
  readonly #kept: KeptState;
  readonly #account: Account;
  readonly #transport: WebSocketTransport;
  /** Of all calls: streams over the socket, unary ones as the options say. */
  readonly #calls: Transport;
  readonly #emitter = new Emitter<RealChatEvents>();
  readonly #pause = new Pause();
  readonly #closed = new AbortController();
  #user: UserChat | undefined;
  #userId = '';
  #username = '';
  #started = false;
  #status: Status = { state: 'connecting' };

  constructor(options: RealChatOptions) {
    const url = webSocketUrl(options.url);
    const { webSocket, unary } = options;
    this.#options = options;
    const storeFailed = options.storeFailed ?? ((error) => console.error('the store of the chat has failed', error));
    this.#kept = new KeptState(options.store ?? memoryStore(), storeFailed);
    this.#account = new Account({
      url,
      webSocket,
      unary,
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
    const unaryCalls = unary ? unary([this.#account.authorizing]) : this.#transport;
    this.#calls = withUnaryTimeout({
      unary: (...call) => unaryCalls.unary(...call),
      stream: (...call) => this.#transport.stream(...call),
    });
    this.profiles = this.service(ProfileService);
    this.conversations = this.service(ConversationService);
    this.messages = this.service(MessageService);
  }

  /** Calls any other service of the contract as the user who is logged in. Made for operators' tools. */
  service<S extends DescService>(service: S): Client<S> {
    return createClient(service, this.#calls);
  }

  /** Who is logged in; empty when nobody is. */
  get userId(): string {
    return this.#userId;
  }

  get username(): string {
    return this.#username;
  }

  get status(): Status {
    return this.#status;
  }

  /** Messages that wait for their answer, in the order they were written; refused ones too, until they are discarded. */
  get pending(): Pending[] {
    return this.#user?.outbox.all() ?? [];
  }

  /** The conversations that the user is in, the last active first. Complete once they are `listed`. */
  get known(): Entry[] {
    return this.#user?.known.sorted() ?? [];
  }

  /** Whether all conversations of the user were listed since `start`. */
  get listed(): boolean {
    return this.#user?.sync.listed ?? false;
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

  /** Begins to listen, from where this device was last, and to send what waits. @throws ConnectError when nobody is logged in. */
  async start(): Promise<void> {
    const user = this.#loggedIn;
    if (this.#started) return;
    this.#started = true;
    this.#emitter.emit('status', this.#status);
    watchForWaking({ woken: () => this.wake(), leaving: () => user.keepNow() }, this.#closed.signal);
    await user.start();
  }

  /**
   * Sends a text: shown as `pending` at once, then `confirmed` or `refused`, however long it takes. Answers its
   * client_message_id; once it resolves, the message is kept over a restart if there is a store.
   *
   * @param clientMessageId the key of an earlier attempt whose end is not known. Default: a new one.
   * @throws RangeError when 1,000 messages wait already.
   */
  async send(conversationId: string, text: string, clientMessageId: string = newId()): Promise<string> {
    const { outbox, lanes, typingTold } = this.#loggedIn;
    if (outbox.all().length >= MOST_PENDING) throw new RangeError('too many messages wait to be sent');
    const pending = { clientMessageId, conversationId, text, writtenAt: Date.now() };
    outbox.add(pending);
    typingTold.stop();
    this.#emitter.emit('pending', pending);
    this.#emitter.emit('changed', undefined);
    await this.#kept.keepPending(this.#userId, this.pending);
    void lanes.run(conversationId);
    return clientMessageId;
  }

  /** Sends a refused message again, with the same key. */
  retry({ clientMessageId, conversationId }: Pending): void {
    this.#user?.outbox.retry(clientMessageId);
    this.#user?.pendingChanged();
    void this.#user?.lanes.run(conversationId);
  }

  /** Gives a refused message up. */
  discard({ clientMessageId }: Pending): void {
    this.#user?.outbox.remove(clientMessageId);
    this.#user?.pendingChanged();
  }

  /** Whether this device chose a client_message_id: then a committed message that carries it is one of its own. */
  wrote(clientMessageId: string): boolean {
    return this.#user?.outbox.chose(clientMessageId) ?? false;
  }

  /**
   * Holds a conversation from now on: reads its newest messages and its members, and keeps both up to date, gaps repaired. See
   * `opened`.
   */
  open(conversationId: string): void {
    this.#loggedIn.open(conversationId);
  }

  /** What is held of a conversation since `open`. */
  opened(conversationId: string): History | undefined {
    return this.#user?.histories.get(conversationId);
  }

  /** Reads the page before the first message that is held; nothing when that is going on, or there is none. */
  async readOlder(conversationId: string): Promise<void> {
    await this.#user?.histories.readOlder(conversationId);
  }

  /** Lets go of all but the newest `count` messages that are held; the others can be read again by `readOlder`. */
  trim(conversationId: string, count: number): void {
    this.#user?.histories.trim(conversationId, count);
  }

  /** A conversation that the user is in, or was. */
  conversation(conversationId: string): Entry | undefined {
    return this.#user?.known.get(conversationId);
  }

  /** The present members of a conversation that is held, with how far each has read; undefined until they were listed. */
  members(conversationId: string): Member[] | undefined {
    return this.#user?.members.of(conversationId);
  }

  /** With how many members a message of a held conversation has arrived; undefined until they were listed. */
  receipts(message: Message): Receipts | undefined {
    return this.#user?.members.receipts(message);
  }

  /**
   * The user has read a conversation up to a message's number. Shown at once and told to the server soon, one call at a time, the
   * newest alone.
   *
   * @param number Default: the newest message that is known.
   */
  markRead(conversationId: string, number?: bigint): void {
    const entry = this.conversation(conversationId);
    const upTo = number ?? (entry ? lastNumberOf(entry) : 0n);
    if (entry && upTo > entry.readNumber) this.#user?.markRead(conversationId, upTo);
  }

  /**
   * The user has pressed a key. Told to the others at once and then every 3 seconds, and taken back after 4 seconds without a
   * key, by `stopTyping`, or by `send`.
   */
  typed(conversationId: string): void {
    this.#user?.typingTold.typed(conversationId);
  }

  /** The user types no more: has emptied the text, or gone elsewhere. */
  stopTyping(): void {
    this.#user?.typingTold.stop();
  }

  /** The other users who are typing in a conversation, those who began first at the head. */
  typingIn(conversationId: string): string[] {
    return this.#user?.typingHeard.in(conversationId) ?? [];
  }

  /**
   * Watches who is online from now on: these users, the first 100, in place of those before, and the other sides of direct
   * conversations. Only who shares a conversation with the user is told of.
   */
  watchPresence(userIds: readonly string[] = []): void {
    this.#loggedIn.presence.watch(userIds);
  }

  /** Whether a watched user is there; undefined while nothing is known. */
  presenceOf(userId: string): Presence | undefined {
    return this.#user?.presence.of(userId);
  }

  /** What to call a user; empty until it is known, and `changed` is told then. */
  nameOf(userId: string): string {
    return this.#user?.directory.nameOf(userId) ?? '';
  }

  /** Opens the conversation with a user, waiting up to 2.4 s for a new account's profile. @throws UnknownUserError, ConnectError */
  async openDirect(username: string): Promise<Conversation> {
    return this.#made(await this.#loggedIn.maker.direct(username));
  }

  /** Makes a group. Asked again after a failure, it makes no second one. @throws UnknownUserError, ConnectError */
  async createGroup(title: string, usernames: readonly string[]): Promise<Conversation> {
    return this.#made(await this.#loggedIn.maker.group(title, usernames));
  }

  /** A page of a conversation, in order of seq: the newest messages, or those before a seq. @throws ConnectError */
  async history(conversationId: string, beforeSeq?: bigint): Promise<{ messages: Message[]; hasMore: boolean }> {
    const from = beforeSeq === undefined ? { case: undefined } : { case: 'beforeSeq' as const, value: beforeSeq };
    return this.messages.listMessages({ conversationId, from });
  }

  /** All conversations of the user, newest made first. @throws ConnectError */
  async listConversations(): Promise<Conversation[]> {
    return allPages((pageToken) => this.conversations.listConversations({ pageSize: 200, pageToken }));
  }

  /**
   * There is reason to believe that time passed unnoticed, or that the server can be reached now: waits no longer, and looks
   * whether socket and token are still good. Called by itself after a sleep, and in a page when the network is back or the page
   * is looked at.
   */
  wake(): void {
    this.#account.woken();
    this.#transport.probe(PROBE_MS);
    this.#user?.woken();
    this.#pause.wake();
  }

  /** Ends the session and forgets all that was kept of it. @throws ConnectError when the server did not hear of it. */
  async logout(): Promise<void> {
    const userId = this.#userId;
    const loggedOut = this.#account.logout();
    this.#stop();
    try {
      await loggedOut;
    } finally {
      await this.#kept.forget(userId);
      this.#setStatus({ state: 'ended', reason: 'You have logged out.' });
    }
  }

  /** Stops, for good. A later client with the same store goes on where this one was. */
  async close(): Promise<void> {
    const user = this.#status.state === 'ended' ? undefined : this.#user;
    const closed = user?.close();
    this.#stop();
    this.#account.close();
    await closed;
  }

  get #loggedIn(): UserChat {
    // Throws when nobody is.
    const { userId } = this.#account.session;
    if (!this.#user) throw new Error(`the chat of ${userId} is being prepared`);
    return this.#user;
  }

  async #entered(): Promise<void> {
    const { userId, username } = this.#account.session;
    const { gapGraceMs = GAP_GRACE_MS, keepHistory = false, markDelivered = true } = this.#options;
    const [place, pending] = await Promise.all([this.#kept.place(userId), this.#kept.pending(userId)]);
    this.#user?.stop();
    this.#userId = userId;
    this.#username = username;
    this.#user = new UserChat({
      userId,
      username,
      profiles: this.profiles,
      conversations: this.conversations,
      messages: this.messages,
      delivery: this.service(DeliveryService),
      kept: this.#kept,
      place,
      pending,
      gapGraceMs,
      keepHistory,
      markDelivered,
      pause: this.#pause,
      renewToken: () => this.#account.renewForStream(),
      emit: (name, value) => this.#emitter.emit(name, value),
      status: (state) => this.#setStatus({ state }),
    });
  }

  #made(conversation: Conversation): Conversation {
    this.#user?.known.put(conversation);
    this.#user?.tellConversation(conversation.conversationId);
    return conversation;
  }

  #socketClosed({ code, reason, after }: SessionClosed): void {
    if (after === 'give_up') this.#end(`The server does not understand this client (${code} ${reason}).`);
  }

  #end(reason: string): void {
    this.#stop();
    void this.#kept.forgetMessages(this.#userId);
    this.#setStatus({ state: 'ended', reason });
  }

  #stop(): void {
    this.#closed.abort();
    this.#user?.stop();
    this.#transport.close();
  }

  #setStatus(status: Status): void {
    if (this.#status.state === 'ended') return;
    this.#status = status;
    this.#emitter.emit('status', status);
    this.#emitter.emit('changed', undefined);
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

function webSocketUrl(given: string | URL): URL {
  const url = new URL(given);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.pathname === '/') url.pathname = '/ws';
  return url;
}
