import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import {
  DeliveryService,
  type ResetReason,
  type SubscribeResponse,
  SubscribeResponseSchema,
  TransientSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import {
  type Conversation,
  ConversationKind,
  ConversationSchema,
  MemberRole,
} from '@realchat/gen/realchat/messaging/v1/conversation';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { type Message, MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { type ListMessagesResponse, MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { AsyncQueue } from './async-queue.ts';

interface FakeConversation {
  readonly id: string;
  readonly kind: ConversationKind;
  readonly title: string;
  readonly members: Set<string>;
  /** Whose membership has ended, and the last event that it showed. */
  readonly left: Map<string, bigint>;
  readonly events: ConversationEvent[];
  readonly read: Map<string, bigint>;
  readonly delivered: Map<string, bigint>;
}

interface Stream {
  readonly userId: string;
  readonly frames: AsyncQueue<SubscribeResponse>;
}

type Change = MessageInitShape<typeof ConversationEventSchema>['change'];

/** What the mesh does to a client; set by tests. */
export interface Faults {
  /** Called before a send is looked at; what it throws is the answer. */
  beforeSend: (text: string) => void | Promise<void>;
  /** Called after a send was committed; what it throws is the answer. */
  afterSend: (text: string) => void | Promise<void>;
  /** Called before conversations are listed. */
  beforeList: () => void | Promise<void>;
  /** Called before messages are listed. */
  beforeRead: () => void | Promise<void>;
  /** Called before a position is marked; what it throws is the answer. */
  beforeMark: (conversationId: string, number: bigint) => void | Promise<void>;
  /** Called before a group is answered. */
  afterCreate: () => void;
  /** Whether an event is pushed. */
  push: (event: ConversationEvent) => boolean;
  /** How the next streams reset their clients. */
  reset: ResetReason | undefined;
  /** Whether they push the newest event between the reset and the end of the replay. */
  early: boolean;
}

/** The services that the page calls, in memory: the contract's promises, and faults on request. */
export class FakeMesh {
  readonly log: ConversationEvent[] = [];
  /** How many pages of messages were read. */
  reads = 0;
  /** Every cursor that was acknowledged, as it arrived. */
  readonly acks: string[] = [];
  /** Every position that was marked, as it arrived. */
  readonly marks: { what: 'read' | 'delivered'; userId: string; conversationId: string; number: bigint }[] = [];
  /** Every word of who types, as it arrived. */
  readonly typing: { userId: string; conversationId: string; active: boolean }[] = [];
  /** Every attempt to send, as it arrived. */
  readonly attempts: { clientMessageId: string; text: string }[] = [];
  readonly faults: Faults = {
    beforeSend: () => {},
    afterSend: () => {},
    beforeList: () => {},
    beforeRead: () => {},
    beforeMark: () => {},
    afterCreate: () => {},
    push: () => true,
    reset: undefined,
    early: false,
  };
  readonly #users = new Map<string, string>();
  readonly #conversations = new Map<string, FakeConversation>();
  readonly #made = new Map<string, string>();
  readonly #streams = new Set<Stream>();
  #ids = 0;

  /** Makes an account whose id is made of its name. Its profile is there at once. */
  addUser(username: string): string {
    const userId = `id-of-${username}`;
    this.#users.set(username, userId);
    return userId;
  }

  /** Makes a conversation without anyone asking. */
  converse(userIds: readonly string[], title = ''): string {
    return this.#create([...userIds], title).id;
  }

  /** Sends a message from elsewhere. */
  say(userId: string, conversationId: string, text: string, clientMessageId = `m${++this.#ids}`): Message {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) throw new Error('no such conversation');
    const message = create(MessageSchema, {
      messageId: `message-${++this.#ids}`,
      conversationId,
      seq: BigInt(conversation.events.length + 1),
      number: BigInt(messagesOf(conversation).length + 1),
      senderId: userId,
      createTime: timestampNow(),
      clientMessageId,
      content: { case: 'text', value: text },
    });
    conversation.read.set(userId, message.number);
    this.#append(conversation, userId, { case: 'messageSent', value: { message } });
    return message;
  }

  /** Another device of a user, or another user, has read. */
  read(userId: string, conversationId: string, number: bigint): void {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) throw new Error('no such conversation');
    conversation.read.set(userId, number);
    this.#append(conversation, userId, { case: 'readAdvanced', value: { userId, number } });
  }

  /** Tells the other members something that is not kept. */
  whisper(userId: string, conversationId: string, kind: MessageInitShape<typeof TransientSchema>['kind']): void {
    const value = create(TransientSchema, { conversationId, actorId: userId, kind });
    const others = this.#conversations.get(conversationId)?.members ?? new Set();
    for (const stream of this.#streams) {
      if (stream.userId === userId || !others.has(stream.userId)) continue;
      stream.frames.push(create(SubscribeResponseSchema, { frame: { case: 'transient', value } }));
    }
  }

  addMember(conversationId: string, userId: string): void {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) throw new Error('no such conversation');
    conversation.members.add(userId);
    const members = [{ userId, role: MemberRole.MEMBER }];
    this.#append(conversation, userId, { case: 'membersAdded', value: { members } });
  }

  removeMember(conversationId: string, userId: string): void {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) throw new Error('no such conversation');
    this.#append(conversation, userId, { case: 'memberRemoved', value: { userId } });
    conversation.members.delete(userId);
    conversation.left.set(userId, BigInt(conversation.events.length));
  }

  /** Pushes an event once more, to all who may see it. */
  pushAgain(event: ConversationEvent): void {
    for (const stream of this.#streams) if (this.#maySee(stream.userId, event)) stream.frames.push(eventFrame(event));
  }

  /** Ends every stream, as when a node of delivery goes. */
  breakStreams(): void {
    for (const stream of this.#streams) stream.frames.fail(new ConnectError('gone', Code.Unavailable));
    this.#streams.clear();
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** The texts of a conversation, as committed. */
  texts(conversationId: string): string[] {
    const conversation = this.#conversations.get(conversationId);
    return conversation ? messagesOf(conversation).map(textOf) : [];
  }

  routes(router: ConnectRouter): void {
    router.service(ProfileService, {
      getProfile: ({ key }) => {
        const found = [...this.#users].find(([username, userId]) => key.value === username || key.value === userId);
        if (!found) throw refusal(Code.NotFound, 'PROFILE_NOT_FOUND');
        const [username, userId] = found;
        return { profile: { userId, username, displayName: username } };
      },
    });
    router.service(ConversationService, {
      createConversation: ({ conversation, requestId }, context) => {
        const userId = userOf(context);
        const { title, others } = wishOf(conversation);
        if (others.includes(userId)) throw refusal(Code.InvalidArgument, 'CONVERSATION_WITH_SELF');
        const made = this.#madeBefore(requestId, userId, title, others) ?? this.#create([userId, ...others], title);
        this.#made.set(requestId, made.id);
        this.faults.afterCreate();
        return { conversation: view(made, userId) };
      },
      getConversation: ({ conversationId }, context) => ({ conversation: view(...this.#of(conversationId, context)) }),
      listConversations: async (_, context) => {
        await this.faults.beforeList();
        const userId = userOf(context);
        const mine = [...this.#conversations.values()].filter(({ members }) => members.has(userId));
        return { conversations: mine.toReversed().map((each) => view(each, userId)) };
      },
      listLeftConversations: (_, context) => {
        const userId = userOf(context);
        const left = [...this.#conversations.values()].filter((each) => each.left.has(userId));
        return {
          conversations: left.map((each) => ({ conversationId: each.id, leftSeq: each.left.get(userId) ?? 0n })),
        };
      },
      listMembers: ({ conversationId }, context) => {
        const [{ members, read, delivered }] = this.#of(conversationId, context);
        const listed = [...members].map((userId) => {
          const readNumber = read.get(userId) ?? 0n;
          const marked = delivered.get(userId) ?? 0n;
          const deliveredNumber = marked > readNumber ? marked : readNumber;
          return { userId, role: MemberRole.MEMBER, readNumber, deliveredNumber };
        });
        return { members: listed };
      },
    });
    router.service(MessageService, {
      sendMessage: async ({ conversationId, clientMessageId, content }, context) => {
        const text = content.value ?? '';
        this.attempts.push({ clientMessageId, text });
        await this.faults.beforeSend(text);
        const [conversation, userId] = this.#of(conversationId, context);
        const isSame = (each: Message) => each.senderId === userId && each.clientMessageId === clientMessageId;
        const message =
          messagesOf(conversation).find(isSame) ?? this.say(userId, conversationId, text, clientMessageId);
        await this.faults.afterSend(text);
        return { message };
      },
      listMessages: async ({ conversationId, from, pageSize }, context) => {
        this.reads++;
        await this.faults.beforeRead();
        const found = this.#conversations.get(conversationId);
        const userId = userOf(context);
        const leftSeq = found?.members.has(userId) ? undefined : found?.left.get(userId);
        const events = leftSeq === undefined ? this.#of(conversationId, context)[0].events : (found?.events ?? []);
        return page(events.slice(0, Number(leftSeq ?? events.length)), from, pageSize || 50);
      },
      markRead: async ({ conversationId, number }, context) => {
        const [{ id }, userId] = this.#of(conversationId, context);
        this.marks.push({ what: 'read', userId, conversationId, number });
        await this.faults.beforeMark(id, number);
        this.read(userId, id, number);
        return { readNumber: number };
      },
      markDelivered: async ({ conversationId, number }, context) => {
        const [conversation, userId] = this.#of(conversationId, context);
        this.marks.push({ what: 'delivered', userId, conversationId, number });
        await this.faults.beforeMark(conversationId, number);
        conversation.delivered.set(userId, number);
        this.whisper(userId, conversationId, { case: 'deliveredAdvanced', value: { number } });
        return { deliveredNumber: number };
      },
    });
    router.service(DeliveryService, {
      subscribe: ({ cursor }, context) => this.#subscribe(userOf(context), cursor, context.signal),
      watchPresence: async function* (_, { signal }) {
        yield { frame: { case: 'heartbeat' as const, value: {} } };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      acknowledgeCursor: ({ cursor }, context) => {
        this.acks.push(`${userOf(context)} ${new TextDecoder().decode(cursor)}`);
        return {};
      },
      setTyping: ({ conversationId, active }, context) => {
        const [, userId] = this.#of(conversationId, context);
        this.typing.push({ userId, conversationId, active });
        this.whisper(userId, conversationId, { case: 'typing', value: { active } });
        return {};
      },
    });
  }

  async *#subscribe(userId: string, cursor: Uint8Array, signal: AbortSignal): AsyncGenerator<SubscribeResponse> {
    const frames = new AsyncQueue<SubscribeResponse>();
    const stream = { userId, frames };
    const end = () => frames.fail(new ConnectError('aborted', Code.Canceled));
    const { reset, early } = this.faults;
    const head = this.log.length;
    const from = cursor.length > 0 && reset === undefined ? positionOf(cursor) : head;
    this.#streams.add(stream);
    signal.addEventListener('abort', end);
    try {
      if (reset !== undefined) yield frame({ case: 'reset', value: { reason: reset } });
      const first = early ? Math.min(from, head - 1) : from;
      for (const event of this.log.slice(first, head)) if (this.#maySee(userId, event)) yield eventFrame(event);
      yield frame({ case: 'caughtUp', value: { cursor: cursorAt(head) } });
      yield* frames;
    } finally {
      this.#streams.delete(stream);
      signal.removeEventListener('abort', end);
    }
  }

  #of(conversationId: string, context: HandlerContext): [FakeConversation, string] {
    const userId = userOf(context);
    const conversation = this.#conversations.get(conversationId);
    if (!conversation?.members.has(userId)) throw refusal(Code.NotFound, 'CONVERSATION_NOT_FOUND');
    return [conversation, userId];
  }

  #madeBefore(requestId: string, userId: string, title: string, others: string[]): FakeConversation | undefined {
    const id = this.#made.get(requestId);
    if (id !== undefined || title) return id === undefined ? undefined : this.#conversations.get(id);
    const isOfBoth = ({ title: group, members }: FakeConversation) =>
      !group && [userId, ...others].every((each) => members.has(each));
    return [...this.#conversations.values()].find(isOfBoth);
  }

  #create(userIds: string[], title: string): FakeConversation {
    const kind = title ? ConversationKind.GROUP : ConversationKind.DIRECT;
    const id = `conversation-${++this.#ids}`;
    const positions = { read: new Map<string, bigint>(), delivered: new Map<string, bigint>() };
    const conversation = { id, kind, title, members: new Set(userIds), left: new Map(), events: [], ...positions };
    this.#conversations.set(id, conversation);
    const members = userIds.map((userId) => ({ userId, role: MemberRole.MEMBER }));
    const value = { kind, title, members };
    this.#append(conversation, userIds[0] ?? '', { case: 'conversationCreated', value });
    return conversation;
  }

  #append(conversation: FakeConversation, actorId: string, change: Change): void {
    const takesSeq = change?.case !== 'readAdvanced';
    const event = create(ConversationEventSchema, {
      conversationId: conversation.id,
      seq: takesSeq ? BigInt(conversation.events.length + 1) : 0n,
      actorId,
      createTime: timestampNow(),
      change,
    });
    if (takesSeq) conversation.events.push(event);
    this.log.push(event);
    const checkpoint = frame({ case: 'checkpoint', value: { cursor: cursorAt(this.log.length) } });
    for (const { userId, frames } of this.#streams) {
      if (!this.#maySee(userId, event)) continue;
      if (this.faults.push(event)) frames.push(eventFrame(event));
      frames.push(checkpoint);
    }
  }

  #maySee(userId: string, { conversationId }: ConversationEvent): boolean {
    return this.#conversations.get(conversationId)?.members.has(userId) ?? false;
  }
}

/** The header that names the caller. */
export function bearerOf(userId: string): string {
  return `Bearer token of ${userId}`;
}

/** An error as the mesh makes it. */
export function refusal(code: Code, reason: string): ConnectError {
  const details = [{ desc: ErrorInfoSchema, value: { reason, domain: 'realchat.dev' } }];
  return new ConnectError(reason, code, undefined, details);
}

function userOf({ requestHeader }: HandlerContext): string {
  const userId = /^Bearer token of (.+)$/.exec(requestHeader.get('authorization') ?? '')?.[1];
  if (!userId) throw refusal(Code.Unauthenticated, 'TOKEN_MISSING');
  return userId;
}

function wishOf(wish: { case?: string | undefined; value?: unknown }): { title: string; others: string[] } {
  if (wish.case === 'direct') return { title: '', others: [(wish.value as { userId: string }).userId] };
  const { title, memberIds } = wish.value as { title: string; memberIds: string[] };
  return { title, others: memberIds };
}

function view({ id, kind, title, members, events, read }: FakeConversation, userId: string): Conversation {
  const lastNumber = BigInt(messagesOf({ events }).length);
  const readNumber = read.get(userId) ?? 0n;
  return create(ConversationSchema, {
    conversationId: id,
    kind,
    title,
    peerId: title ? '' : ([...members].find((each) => each !== userId) ?? ''),
    createTime: timestampNow(),
    lastSeq: BigInt(events.length),
    lastNumber,
    readNumber,
    unreadCount: lastNumber - readNumber,
    memberCount: members.size,
    role: MemberRole.MEMBER,
    joinedSeq: 1n,
  });
}

function page(
  events: ConversationEvent[],
  from: { case?: 'beforeSeq' | 'afterSeq' | undefined; value?: bigint | undefined },
  size: number,
): Pick<ListMessagesResponse, 'messages' | 'hasMore' | 'fromSeq' | 'throughSeq'> {
  const head = BigInt(events.length);
  const all = messagesOf({ events });
  if (from.case === 'afterSeq') {
    const after = from.value ?? 0n;
    const later = all.filter(({ seq }) => seq > after);
    const messages = later.slice(0, size);
    const hasMore = messages.length < later.length;
    return { messages, hasMore, fromSeq: after + 1n, throughSeq: hasMore ? (messages.at(-1)?.seq ?? head) : head };
  }
  const before = from.value ?? head + 1n;
  const earlier = all.filter(({ seq }) => seq < before);
  const messages = earlier.slice(-size);
  const hasMore = messages.length < earlier.length;
  return { messages, hasMore, fromSeq: hasMore ? (messages[0]?.seq ?? 1n) : 1n, throughSeq: before - 1n };
}

function messagesOf({ events }: Pick<FakeConversation, 'events'>): Message[] {
  return events.flatMap(({ change }) =>
    change.case === 'messageSent' && change.value.message ? [change.value.message] : [],
  );
}

function textOf({ content }: Message): string {
  return content.value ?? '';
}

function frame(init: SubscribeInit): SubscribeResponse {
  return create(SubscribeResponseSchema, { frame: init as SubscribeResponse['frame'] });
}

type SubscribeInit =
  | { case: 'reset'; value: { reason: ResetReason } }
  | { case: 'caughtUp' | 'checkpoint'; value: { cursor: Uint8Array } };

/** A copy, since what travels is never the same object. */
function eventFrame(event: ConversationEvent): SubscribeResponse {
  const value = fromBinary(ConversationEventSchema, toBinary(ConversationEventSchema, event));
  return create(SubscribeResponseSchema, { frame: { case: 'event', value } });
}

function cursorAt(position: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`at ${position}`);
}

function positionOf(cursor: Uint8Array): number {
  return Number(new TextDecoder().decode(cursor).slice(3));
}
