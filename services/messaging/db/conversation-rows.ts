import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Pool, PoolClient } from '@realchat/db';
import {
  ConversationKind,
  type ConversationSchema,
  type MemberRole,
} from '@realchat/gen/realchat/messaging/v1/conversation';
import { timestampOf } from '../domain/event-bytes.ts';
import { unreadCount } from '../domain/unread.ts';

interface ConversationRow {
  id: string;
  kind: number;
  title: string;
  direct_low: string | null;
  direct_high: string | null;
  micros: bigint;
  last_seq: bigint;
  last_number: bigint;
  member_count: bigint;
  role: number;
  joined_seq: bigint;
  joined_number: bigint;
  read_number: bigint;
}

/** A conversation as one of its members sees it. */
export type ConversationView = MessageInitShape<typeof ConversationSchema>;

// $1 is the viewer.
const VIEW = `
  select c.id, c.kind, c.title, c.direct_low, c.direct_high, c.last_seq, c.last_number, m.role, m.joined_seq, m.joined_number,
         greatest(m.sent_number, r.read_number) as read_number,
         (extract(epoch from c.create_time) * 1000000)::bigint as micros,
         (select count(*) from member p where p.conversation_id = c.id and p.left_seq is null) as member_count
  from member m join conversation c on c.id = m.conversation_id
  left join read_position r on r.conversation_id = m.conversation_id and r.user_id = m.user_id
  where m.user_id = $1 and m.left_seq is null`;

/** The conversation as a present member sees it; undefined for anyone else. */
export async function readConversation(
  db: Pool | PoolClient,
  viewer: string,
  conversationId: string,
): Promise<ConversationView | undefined> {
  const result = await db.query<ConversationRow>(`${VIEW} and c.id = $2`, [viewer, conversationId]);
  return result.rows[0] && toView(result.rows[0], viewer);
}

/** The viewer's conversations, newest made first, beyond `before`. Ids are UUIDv7, so their order is that of making. */
export async function readConversations(
  pool: Pool,
  viewer: string,
  before: string | undefined,
  limit: number,
): Promise<ConversationView[]> {
  const result = await pool.query<ConversationRow>(
    `${VIEW} and ($2::uuid is null or c.id < $2) order by c.id desc limit $3`,
    [viewer, before ?? null, limit],
  );
  return result.rows.map((row) => toView(row, viewer));
}

/** Where the last of a user's stints in a conversation ended that have. */
export interface LeftConversationRow {
  conversationId: string;
  leftSeq: bigint;
}

/** The conversations in which a stint of the viewer has ended, newest made first, beyond `before`. */
export async function readLeftConversations(
  pool: Pool,
  viewer: string,
  before: string | undefined,
  limit: number,
): Promise<LeftConversationRow[]> {
  const result = await pool.query<LeftConversationRow>(
    `select m.conversation_id as "conversationId", max(m.left_seq) as "leftSeq"
     from member m
     where m.user_id = $1 and m.left_seq is not null and ($2::uuid is null or m.conversation_id < $2)
     group by m.conversation_id order by m.conversation_id desc limit $3`,
    [viewer, before ?? null, limit],
  );
  return result.rows;
}

function toView(row: ConversationRow, viewer: string): ConversationView {
  const direct = row.kind === ConversationKind.DIRECT;
  const peer = row.direct_low === viewer ? row.direct_high : row.direct_low;
  return {
    conversationId: row.id,
    kind: row.kind as ConversationKind,
    title: row.title,
    peerId: direct ? (peer ?? '') : '',
    createTime: timestampOf(row.micros),
    lastSeq: row.last_seq,
    lastNumber: row.last_number,
    memberCount: Number(row.member_count),
    role: row.role as MemberRole,
    joinedSeq: row.joined_seq,
    readNumber: row.read_number,
    unreadCount: unreadCount({ last: row.last_number, read: row.read_number, joined: row.joined_number }),
  };
}
