import { randomUUID } from 'node:crypto';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService, type SubscribeResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { type Caller, CallFailure, type CallOptions } from './caller.ts';
import { type ChatMessage, toChatMessage } from './chat-message.ts';
import { Subscription } from './subscription.ts';

/** What each client can do, whatever is behind it. Every call rejects when it is refused. */
export interface ChatClient {
  readonly name: string;
  readonly userId: string;
  register(username: string, password: string): Promise<void>;
  login(username: string, password: string): Promise<void>;
  /** Answers the conversation's id. */
  createConversation(what: { direct: string } | { title: string; members: string[] }): Promise<string>;
  send(conversationId: string, text: string): Promise<ChatMessage>;
  /** The whole conversation, from its start. */
  list(conversationId: string): Promise<ChatMessage[]>;
  close(): Promise<void>;
}

/** What opens a session, or goes on with it. */
interface Tokens {
  userId: string;
  deviceId: string;
  accessToken: string;
  refreshToken: string;
}

const PAGE_SIZE = 200;

/** A user who speaks to the edge by one caller. */
export class User implements ChatClient {
  readonly caller: Caller;
  username = '';
  userId = '';
  deviceId = '';
  accessToken = '';
  refreshToken = '';
  #refreshing: Promise<void> | undefined;
  readonly #subscriptions: Subscription[] = [];

  /** A caller that authenticates whole sessions is made with the means to ask for the user's token. */
  constructor(caller: Caller | ((token: () => string) => Caller)) {
    this.caller = typeof caller === 'function' ? caller(() => this.accessToken) : caller;
  }

  get name(): string {
    return this.caller.name;
  }

  async register(username: string, password: string): Promise<void> {
    await this.#opened(username, await this.caller.unary(AuthService.method.register, { username, password }));
  }

  async login(username: string, password: string): Promise<void> {
    await this.#opened(username, await this.caller.unary(AuthService.method.login, { username, password }));
  }

  async createConversation(what: { direct: string } | { title: string; members: string[] }): Promise<string> {
    const conversation =
      'direct' in what
        ? { case: 'direct' as const, value: { userId: what.direct } }
        : { case: 'group' as const, value: { title: what.title, memberIds: what.members } };
    const method = ConversationService.method.createConversation;
    const response = await this.caller.unary(method, { conversation, requestId: randomUUID() }, this.#call());
    return response.conversation?.conversationId ?? '';
  }

  /** Sends under a key; the same key again answers with the first one's message. */
  async send(conversationId: string, text: string, clientMessageId: string = randomUUID()): Promise<ChatMessage> {
    const request = { conversationId, clientMessageId, content: { case: 'text' as const, value: text } };
    const response = await this.caller.unary(MessageService.method.sendMessage, request, this.#call());
    return toChatMessage(response.message);
  }

  async list(conversationId: string, afterSeq = 0): Promise<ChatMessage[]> {
    const messages: ChatMessage[] = [];
    let after = BigInt(afterSeq);
    for (;;) {
      const request = { conversationId, from: { case: 'afterSeq' as const, value: after }, pageSize: PAGE_SIZE };
      const page = await this.caller.unary(MessageService.method.listMessages, request, this.#call());
      messages.push(...page.messages.map(toChatMessage));
      if (!page.hasMore) return messages;
      after = page.throughSeq;
    }
  }

  /** The id of the user of that name; undefined when there is no such profile. */
  async findUser(username: string): Promise<string | undefined> {
    const key = { case: 'username' as const, value: username };
    try {
      const { profile } = await this.caller.unary(ProfileService.method.getProfile, { key }, this.#call());
      return profile?.userId;
    } catch (error) {
      if (error instanceof CallFailure && error.reason === 'PROFILE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Opens a stream from a cursor, or from now. Resolves when the stream is live. */
  async subscribe(cursor: Uint8Array = new Uint8Array()): Promise<Subscription> {
    const subscription = this.openStream(cursor);
    await subscription.caughtUp;
    return subscription;
  }

  /** As subscribe, without waiting, and with each frame as it comes, which is not kept then. */
  openStream(cursor: Uint8Array, onFrame?: (frame: SubscribeResponse) => void): Subscription {
    const method = DeliveryService.method.subscribe;
    const open = (signal: AbortSignal) => this.caller.stream(method, { cursor }, { ...this.#call(), signal });
    const subscription = new Subscription(open, onFrame);
    this.#subscriptions.push(subscription);
    return subscription;
  }

  /** Goes on with another's session. */
  join({ username, userId, deviceId, accessToken, refreshToken }: User): void {
    Object.assign(this, { username, userId, deviceId, accessToken, refreshToken });
  }

  /** Any call of the contract, with the user's token. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.caller.unary(method, request, this.#call());
  }

  /** Trades the refresh token for the next tokens; whoever asks meanwhile waits for the same. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.caller
      .unary(AuthService.method.refreshSession, { refreshToken: this.refreshToken })
      .then((session) => this.#opened(this.username, session))
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  /** Ends the session. */
  async logout(): Promise<void> {
    await this.caller.unary(AuthService.method.logout, { refreshToken: this.refreshToken });
  }

  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()));
    await this.caller.close();
  }

  async #opened(username: string, session: Tokens): Promise<void> {
    this.username = username;
    this.userId = session.userId;
    this.deviceId = session.deviceId;
    this.accessToken = session.accessToken;
    this.refreshToken = session.refreshToken;
    await this.caller.authenticate?.(session.accessToken);
  }

  #call(): CallOptions {
    return { token: this.accessToken };
  }
}

/** A password that the rules accept, of its own for each user. */
export function newPassword(): string {
  return `correct horse ${randomUUID()}`;
}

/** A username that nobody has. */
export function newUsername(): string {
  return `u${randomUUID().replaceAll('-', '').slice(0, 20)}`;
}
