import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { type LogRecord, LogRecordSchema, LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';

/** Someone's time in a conversation, by seq. */
interface Stint {
  joined: number;
  left: number;
}

interface Conversation {
  shard: number;
  seq: number;
  stints: Map<string, Stint[]>;
}

/** What the tests compare of an event. */
export interface EventId {
  shard: number;
  position: number;
  conversationId: string;
  seq: number;
}

/** The event log of messaging in memory: the same rules of order and of who may see what, in a hundred lines. */
export class MemoryLog {
  epoch = 'epoch-1';
  /** By shard: records by position from 1; a hole where an event was superseded. */
  shards: (LogRecord | undefined)[][];
  readonly conversations = new Map<string, Conversation>();
  /** Called with every record as it is committed. */
  onCommit: (record: LogRecord) => void = () => {};

  constructor(shardCount: number) {
    this.shards = Array.from({ length: shardCount }, () => []);
  }

  create(conversationId: string, shard: number, members: string[]): void {
    this.conversations.set(conversationId, { shard, seq: 0, stints: new Map() });
    for (const userId of members) this.#join(conversationId, userId);
    this.#commit(conversationId, LogRecordType.CONVERSATION_CREATED, {
      case: 'conversationCreated',
      value: { members: members.map((userId) => ({ userId })) },
    });
  }

  message(conversationId: string, text = 'hello'): LogRecord {
    return this.#commit(conversationId, LogRecordType.MESSAGE_SENT, {
      case: 'messageSent',
      value: { message: { conversationId, content: { case: 'text', value: text } } },
    });
  }

  add(conversationId: string, userId: string): void {
    this.#join(conversationId, userId);
    this.#commit(conversationId, LogRecordType.MEMBERS_ADDED, {
      case: 'membersAdded',
      value: { members: [{ userId }] },
    });
  }

  remove(conversationId: string, userId: string): void {
    const conversation = this.#conversation(conversationId);
    const stint = conversation.stints.get(userId)?.at(-1);
    if (stint) stint.left = conversation.seq + 1;
    this.#commit(conversationId, LogRecordType.MEMBER_REMOVED, { case: 'memberRemoved', value: { userId } });
  }

  /** Makes an admin of a member. */
  promote(conversationId: string, userId: string): void {
    this.#commit(conversationId, LogRecordType.MEMBER_ROLE_CHANGED, {
      case: 'memberRoleChanged',
      value: { member: { userId, role: MemberRole.ADMIN } },
    });
  }

  /** A position that has no event any more. */
  supersede(shard: number): void {
    this.shards[shard]?.push(undefined);
  }

  isMember(conversationId: string, userId: string): boolean {
    return this.#conversation(conversationId).stints.get(userId)?.at(-1)?.left === Number.POSITIVE_INFINITY;
  }

  /** The conversations that a user is a member of. */
  conversationsOf(userId: string): string[] {
    return [...this.conversations.keys()].filter((id) => this.isMember(id, userId));
  }

  heads(): number[] {
    return this.shards.map((records) => records.length);
  }

  read(shard: number, after: number, limit: number): { records: LogRecord[]; through: number } {
    const records = (this.shards[shard] ?? []).slice(after).filter((record) => record !== undefined);
    const page = records.slice(0, limit);
    const complete = page.length === records.length;
    const last = page.at(-1);
    return { records: page, through: complete ? (this.heads()[shard] ?? 0) : Number(last?.position ?? after) };
  }

  /** Undefined when more was missed than may be replayed, or a position is beyond the log. */
  session(userId: string, after: readonly number[], max: number) {
    const heads = this.heads();
    const records = after.length
      ? this.visible(userId).filter((record) => Number(record.position) > (after[record.shard] ?? 0))
      : [];
    if (records.length > max || after.some((position, shard) => position > (heads[shard] ?? 0))) return undefined;
    const conversationIds = this.conversationsOf(userId);
    return { conversationIds, records, heads };
  }

  /** Every event that a user may see, by shard and position. */
  visible(userId: string): LogRecord[] {
    return this.shards.flat().filter((record): record is LogRecord => {
      if (!record) return false;
      const stints = this.#conversation(record.conversationId).stints.get(userId) ?? [];
      return stints.some(({ joined, left }) => joined <= Number(record.seq) && Number(record.seq) <= left);
    });
  }

  #join(conversationId: string, userId: string): void {
    const { stints, seq } = this.#conversation(conversationId);
    const stint = { joined: seq + 1, left: Number.POSITIVE_INFINITY };
    stints.set(userId, [...(stints.get(userId) ?? []), stint]);
  }

  #commit(conversationId: string, type: LogRecordType, change: ConversationEventInit['change']): LogRecord {
    const conversation = this.#conversation(conversationId);
    const records = this.shards[conversation.shard] as (LogRecord | undefined)[];
    const seq = BigInt(++conversation.seq);
    const position = BigInt(records.length + 1);
    const record = create(LogRecordSchema, {
      shard: conversation.shard,
      position,
      conversationId,
      seq,
      type,
      event: Buffer.concat([
        encode({ conversationId, change }),
        encode({ seq, position, createTime: timestampFromMs(Date.now()) }),
      ]),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    records.push(record);
    this.onCommit(record);
    return record;
  }

  #conversation(id: string): Conversation {
    const conversation = this.conversations.get(id);
    if (!conversation) throw new Error(`no conversation ${id}`);
    return conversation;
  }
}

type ConversationEventInit = NonNullable<Parameters<typeof create<typeof ConversationEventSchema>>[1]>;

function encode(event: ConversationEventInit): Uint8Array {
  return toBinary(ConversationEventSchema, create(ConversationEventSchema, event));
}

export function idOf(event: ConversationEvent | LogRecord, shard: number): EventId {
  return { shard, position: Number(event.position), conversationId: event.conversationId, seq: Number(event.seq) };
}
