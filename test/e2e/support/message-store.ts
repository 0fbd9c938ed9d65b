import { fromBinary } from '@bufbuild/protobuf';
import { type Client, createClient } from '@realchat/db';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { until } from '@realchat/testkit';
import type { Mesh } from './mesh.ts';

/** A row of the event log. */
export interface StoredEvent {
  shard: number;
  position: number;
  conversation: string;
  /** 0: an event without one. */
  seq: number;
  traceparent: string;
  /** When it was committed: the day in UTC, `YYYY-MM-DD`. */
  day: string;
  message?: { messageId: string; number: number; sender: string; key: string; text: string };
  /** Users who became members by it. */
  joined?: string[];
  /** The user who ceased to be one by it. */
  left?: string;
}

/** What messaging's database says, asked past every service. */
export interface MessageStore {
  /** Every row of the event log. */
  events(): Promise<StoredEvent[]>;
  countMessages(): Promise<number>;
  /** The newest position of every shard together, and how far the relay says that it published. */
  progress(): Promise<{ head: number; published: number }>;
  /** Waits until the relay has published all that is committed. */
  whenPublished(deadlineMs?: number): Promise<void>;
  close(): Promise<void>;
}

interface EventRow {
  shard: number;
  position: bigint;
  conversation_id: string;
  seq: bigint;
  number: bigint | null;
  event_id: string;
  body: Buffer;
  traceparent: string;
  create_time: Date;
}

/** Connects as messaging's own role. */
export async function openMessageStore({ stack }: Mesh): Promise<MessageStore> {
  const client = createClient({ url: stack.environment('messaging').DATABASE_URL ?? '', name: 'e2e' });
  await client.connect();
  const progress = async () => {
    const { head } = await one<{ head: bigint }>(client, 'select sum(head)::bigint as head from shard');
    const { published } = await one<{ published: bigint }>(
      client,
      'select coalesce(sum(published), 0)::bigint as published from relay_shard',
    );
    return { head: Number(head), published: Number(published) };
  };
  return {
    progress,
    async events() {
      const { rows } = await client.query<EventRow>('select * from event order by shard, position');
      return rows.map(toStored);
    },
    async countMessages() {
      return Number((await one<{ n: bigint }>(client, 'select count(*)::bigint as n from event where type = 1')).n);
    },
    async whenPublished(deadlineMs = 20_000) {
      const published = async () => {
        const { head, published } = await progress();
        return head === published;
      };
      await until('everything committed is published', published, deadlineMs);
    },
    close: () => client.end(),
  };
}

function toStored(row: EventRow): StoredEvent {
  const { change } = fromBinary(ConversationEventSchema, row.body);
  const message = change.case === 'messageSent' ? change.value.message : undefined;
  return {
    shard: row.shard,
    position: Number(row.position),
    conversation: row.conversation_id,
    seq: Number(row.seq),
    traceparent: row.traceparent,
    day: row.create_time.toISOString().slice(0, 10),
    ...membershipChange(change),
    ...(message && {
      message: {
        messageId: row.event_id,
        number: Number(row.number),
        sender: message.senderId,
        key: message.clientMessageId,
        text: message.content.case === 'text' ? message.content.value : '',
      },
    }),
  };
}

/** Who became a member, or ceased to be one, by a change. */
export function membershipChange(change: ConversationEvent['change']): { joined?: string[]; left?: string } {
  switch (change.case) {
    case 'conversationCreated':
    case 'membersAdded':
      return { joined: change.value.members.map((member) => member.userId) };
    case 'memberRemoved':
      return { left: change.value.userId };
    default:
      return {};
  }
}

async function one<R extends object>(client: Client, text: string): Promise<R> {
  const { rows } = await client.query<R>(text);
  if (!rows[0]) throw new Error(`no row: ${text}`);
  return rows[0];
}
