import type { PoolClient } from '@realchat/db';
import type { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { Candidate, Standing } from '../domain/group-rules.ts';

/** A conversation as its caller stands to it. */
export interface Group extends Standing {
  title: string;
  /** The number of its newest message. */
  lastNumber: bigint;
  /** The caller is or was a member. */
  everMember: boolean;
}

type Db = Pick<PoolClient, 'query'>;

/** The conversation, whoever asks; undefined when there is none. */
export async function readGroup(
  db: Db,
  { conversationId, userId }: { conversationId: string; userId: string },
): Promise<Group | undefined> {
  const result = await db.query<{
    kind: number;
    title: string;
    last_number: bigint;
    role: number | null;
    ever: boolean;
  }>(
    `select c.kind, c.title, c.last_number, m.role,
            exists (select 1 from member s where s.conversation_id = c.id and s.user_id = $2) as ever
     from conversation c
     left join member m on m.conversation_id = c.id and m.user_id = $2 and m.left_seq is null
     where c.id = $1`,
    [conversationId, userId],
  );
  const row = result.rows[0];
  return (
    row && {
      kind: row.kind as ConversationKind,
      role: row.role === null ? undefined : (row.role as MemberRole),
      title: row.title,
      lastNumber: row.last_number,
      everMember: row.ever,
    }
  );
}

/** The role of a present member; undefined for anyone else. */
export async function readRole(db: Db, conversationId: string, userId: string): Promise<MemberRole | undefined> {
  const result = await db.query<{ role: number }>(
    'select role from member where conversation_id = $1 and user_id = $2 and left_seq is null',
    [conversationId, userId],
  );
  return result.rows[0]?.role as MemberRole | undefined;
}

/** Those of the users who are no present members, in their order. */
export async function withoutMembers(db: Db, conversationId: string, userIds: string[]): Promise<string[]> {
  const result = await db.query<{ user_id: string }>(
    'select user_id from member where conversation_id = $1 and user_id = any($2) and left_seq is null',
    [conversationId, userIds],
  );
  const present = new Set(result.rows.map((row) => row.user_id));
  return userIds.filter((id) => !present.has(id));
}

/** Every present member but one. */
export async function readOthers(db: Db, conversationId: string, userId: string): Promise<Candidate[]> {
  const result = await db.query<{ user_id: string; role: number; joined_seq: bigint }>(
    'select user_id, role, joined_seq from member where conversation_id = $1 and user_id <> $2 and left_seq is null',
    [conversationId, userId],
  );
  return result.rows.map((row) => ({ userId: row.user_id, role: row.role as MemberRole, joinedSeq: row.joined_seq }));
}

/** How many are present members. */
export async function countMembers(db: Db, conversationId: string): Promise<number> {
  const result = await db.query<{ count: bigint }>(
    'select count(*) from member where conversation_id = $1 and left_seq is null',
    [conversationId],
  );
  return Number(result.rows[0]?.count ?? 0n);
}

/** Changes a present member's role. */
export async function writeRole(db: Db, conversationId: string, userId: string, role: MemberRole): Promise<void> {
  await db.query('update member set role = $3 where conversation_id = $1 and user_id = $2 and left_seq is null', [
    conversationId,
    userId,
    role,
  ]);
}

/** Opens a stint for each, from this seq on; what there was before is neither theirs to see nor unread. */
export async function openStints(
  db: Db,
  stint: { conversationId: string; joinedSeq: bigint; joinedNumber: bigint },
  members: { userId: string; role: MemberRole }[],
): Promise<void> {
  await db.query(
    `insert into member (conversation_id, user_id, role, joined_seq, joined_number, sent_number)
     select $1, t.user_id, t.role, $2, $3,
            coalesce((select max(s.sent_number) from member s where s.conversation_id = $1 and s.user_id = t.user_id), 0)
     from unnest($4::uuid[], $5::smallint[]) as t (user_id, role)`,
    [
      stint.conversationId,
      stint.joinedSeq,
      stint.joinedNumber,
      members.map(({ userId }) => userId),
      members.map(({ role }) => role),
    ],
  );
}

/** Ends a present member's stint with this seq, the last one that is theirs to see. */
export async function closeStint(db: Db, conversationId: string, userId: string, leftSeq: bigint): Promise<void> {
  await db.query('update member set left_seq = $3 where conversation_id = $1 and user_id = $2 and left_seq is null', [
    conversationId,
    userId,
    leftSeq,
  ]);
}
