import { isUniqueViolation, type Pool, type PoolClient, transaction } from '@realchat/db';
import { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { shardOf } from '../domain/shard.ts';
import { openStints } from './group-rows.ts';
import { lockShard, writeEvent } from './write-event.ts';

/** The seq of a conversation's first event. */
const FIRST_SEQ = 1n;

/** A conversation to make. */
export interface NewConversation {
  conversationId: string;
  kind: ConversationKind;
  /** Empty for a direct conversation. */
  title: string;
  creatorId: string;
  /** All members, the creator among them. */
  memberIds: string[];
  /** Empty: none. */
  requestId: string;
  requestHash: Buffer;
  traceparent: string;
}

/** What an earlier request has made already. */
export interface Existing {
  conversationId: string;
  requestHash: Buffer;
}

/** Makes the conversation, its members and its first event in one transaction; false when another request was first. */
export async function insertConversation(pool: Pool, made: NewConversation): Promise<boolean> {
  const members = made.memberIds.map((userId) => ({ userId, role: roleOf(made, userId) }));
  try {
    await transaction(pool, async (client) => {
      await insertRow(client, made);
      await openStints(
        client,
        { conversationId: made.conversationId, joinedSeq: FIRST_SEQ, joinedNumber: 0n },
        members,
      );
      // Nobody else sees the conversation yet, so the lock is for its place in the log alone. A thousand members would hold up
      // every sender of the shard under it.
      await lockShard(client, made.conversationId);
      await writeFirstEvent(client, made, members);
    });
    return true;
  } catch (error) {
    if (isUniqueViolation(error, 'conversation_direct_pair') || isUniqueViolation(error, 'conversation_request'))
      return false;
    throw error;
  }
}

/** The conversation that the same request, or the other side of the same pair, has made before. */
export async function findExisting(pool: Pool, made: NewConversation): Promise<Existing | undefined> {
  const [low, high] = directPair(made);
  const result = await pool.query<{ id: string; request_hash: Buffer; same_pair: boolean }>(
    `select id, request_hash, coalesce(direct_low = $3 and direct_high = $4, false) as same_pair from conversation
     where (creator_id = $1 and request_id = $2) or (direct_low = $3 and direct_high = $4)
     order by same_pair limit 1`,
    [made.creatorId, made.requestId || null, low, high],
  );
  const row = result.rows[0];
  // A pair has one conversation, whatever the request that made it looked like.
  return row && { conversationId: row.id, requestHash: row.same_pair ? made.requestHash : row.request_hash };
}

/** How many conversations a user is in now; not counted further than `most`. */
export async function countConversations(pool: Pool, userId: string, most: number): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from (
       select from member where user_id = $1 and left_seq is null limit $2) as present`,
    [userId, most],
  );
  return rows[0]?.count ?? 0;
}

async function insertRow(client: PoolClient, made: NewConversation): Promise<void> {
  const [low, high] = directPair(made);
  await client.query(
    `insert into conversation (id, shard, kind, title, creator_id, request_id, request_hash, direct_low, direct_high,
                               create_time, last_seq, last_number, head_position)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), 0, 0, 0)`,
    [
      made.conversationId,
      shardOf(made.conversationId),
      made.kind,
      made.title,
      made.creatorId,
      made.requestId || null,
      made.requestHash,
      low,
      high,
    ],
  );
}

function writeFirstEvent(
  client: PoolClient,
  made: NewConversation,
  members: { userId: string; role: MemberRole }[],
): Promise<bigint> {
  const { conversationId, creatorId, traceparent, kind, title } = made;
  return writeEvent(client, {
    by: { conversationId, userId: creatorId, traceparent },
    type: LogRecordType.CONVERSATION_CREATED,
    change: { case: 'conversationCreated', value: { kind, title, members } },
  });
}

function roleOf(made: NewConversation, userId: string): MemberRole {
  return made.kind === ConversationKind.GROUP && userId === made.creatorId ? MemberRole.OWNER : MemberRole.MEMBER;
}

function directPair(made: NewConversation): [string, string] | [null, null] {
  if (made.kind !== ConversationKind.DIRECT) return [null, null];
  const [low, high] = made.memberIds.toSorted();
  if (!low || !high) throw new Error('a direct conversation has two members');
  return [low, high];
}
