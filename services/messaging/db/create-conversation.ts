import { isUniqueViolation, type Pool, type PoolClient, transaction } from '@realchat/db';
import { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { encodeEvent } from '../domain/event-bytes.ts';
import { shardOf } from '../domain/shard.ts';

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
  eventId: string;
  traceparent: string;
}

/** What an earlier request has made already. */
export interface Existing {
  conversationId: string;
  requestHash: Buffer;
}

/** Makes the conversation, its members and its first event in one transaction; undefined when another request was first. */
export async function insertConversation(pool: Pool, made: NewConversation): Promise<{ shard: number } | undefined> {
  const shard = shardOf(made.conversationId);
  try {
    await transaction(pool, async (client) => {
      await client.query('select 1 from shard where id = $1 for update', [shard]);
      const position = await takePosition(client, shard);
      await insertRow(client, made, shard, position);
      await insertMembers(client, made);
      await insertFirstEvent(client, made, shard, position);
    });
    return { shard };
  } catch (error) {
    if (isUniqueViolation(error, 'conversation_direct_pair') || isUniqueViolation(error, 'conversation_request'))
      return undefined;
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

async function takePosition(client: PoolClient, shard: number): Promise<bigint> {
  const result = await client.query<{ head: bigint }>('update shard set head = head + 1 where id = $1 returning head', [
    shard,
  ]);
  const head = result.rows[0]?.head;
  if (head === undefined) throw new Error(`shard ${shard} does not exist`);
  return head;
}

async function insertRow(client: PoolClient, made: NewConversation, shard: number, position: bigint): Promise<void> {
  const [low, high] = directPair(made);
  await client.query(
    `insert into conversation (id, shard, kind, title, creator_id, request_id, request_hash, direct_low, direct_high,
                               create_time, last_seq, last_number, head_position)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), 1, 0, $10)`,
    [
      made.conversationId,
      shard,
      made.kind,
      made.title,
      made.creatorId,
      made.requestId || null,
      made.requestHash,
      low,
      high,
      position,
    ],
  );
}

async function insertMembers(client: PoolClient, made: NewConversation): Promise<void> {
  const roles = made.memberIds.map((id) => roleOf(made, id));
  await client.query(
    `insert into member (conversation_id, user_id, joined_seq, role)
     select $1, user_id, 1, role from unnest($2::uuid[], $3::smallint[]) as t (user_id, role)`,
    [made.conversationId, made.memberIds, roles],
  );
}

async function insertFirstEvent(
  client: PoolClient,
  made: NewConversation,
  shard: number,
  position: bigint,
): Promise<void> {
  const body = encodeEvent({
    conversationId: made.conversationId,
    actorId: made.creatorId,
    change: {
      case: 'conversationCreated',
      value: {
        kind: made.kind,
        title: made.title,
        members: made.memberIds.map((userId) => ({ userId, role: roleOf(made, userId) })),
      },
    },
  });
  await client.query(
    `insert into event (shard, position, conversation_id, seq, type, event_id, create_time, body, traceparent)
     select $1, $2, id, 1, 2, $4, create_time, $5, $6 from conversation where id = $3`,
    [shard, position, made.conversationId, made.eventId, body, made.traceparent],
  );
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
