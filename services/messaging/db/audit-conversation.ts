import { fromBinary } from '@bufbuild/protobuf';
import { type Pool, type PoolClient, snapshot } from '@realchat/db';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { compareServed, type Discrepancy, type Served } from '../domain/compare-served.ts';
import { withPlace } from '../domain/event-bytes.ts';
import { createRecount, type Recount } from '../domain/recount.ts';
import { readConversation } from './conversation-rows.ts';

const PAGE_EVENTS = 1_000;

/**
 * Makes a conversation anew from its events and compares that with what its members are served, in one snapshot. Undefined
 * when it has more than `mostEvents`, or does not exist.
 */
export function auditConversation(
  pool: Pool,
  conversationId: string,
  mostEvents: number,
): Promise<Discrepancy[] | undefined> {
  return snapshot(pool, async (db) => {
    const { rows } = await db.query<{ last_seq: bigint }>('select last_seq from conversation where id = $1', [
      conversationId,
    ]);
    if (!rows[0] || rows[0].last_seq > BigInt(mostEvents)) return undefined;
    return compareServed(await recountEvents(db, conversationId), await readServed(db, conversationId));
  });
}

/** Some conversations after this one, in the order of their ids. */
export async function conversationsAfter(pool: Pool, after: string, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from conversation where id > $1 order by id limit $2', [
    after,
    limit,
  ]);
  return rows.map(({ id }) => id);
}

async function recountEvents(db: PoolClient, conversationId: string): Promise<Recount> {
  const recount = createRecount();
  for (let after = 0n; ; ) {
    const { rows } = await db.query<{ seq: bigint; number: bigint | null; body: Buffer }>(
      'select seq, number, body from event where conversation_id = $1 and seq > $2 order by seq limit $3',
      [conversationId, after, PAGE_EVENTS],
    );
    for (const { seq, number, body } of rows) {
      const bytes = withPlace(body, { seq, position: 0n, number, createTimeMicros: 0n });
      recount.add(fromBinary(ConversationEventSchema, bytes));
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_EVENTS) return recount.result;
    after = last.seq;
  }
}

/** By the same query that serves them. */
async function readServed(db: PoolClient, conversationId: string): Promise<Served[]> {
  const { rows } = await db.query<{ user_id: string; logged: bigint }>(
    `select m.user_id, coalesce((select max(e.number) from read_event e
       where e.conversation_id = m.conversation_id and e.user_id = m.user_id), 0)::bigint as logged
     from member m where m.conversation_id = $1 and m.left_seq is null`,
    [conversationId],
  );
  const served: Served[] = [];
  for (const { user_id: userId, logged: loggedRead } of rows) {
    const view = await readConversation(db, userId, conversationId);
    if (!view) continue;
    const { lastSeq = 0n, lastNumber = 0n, joinedSeq = 0n, readNumber = 0n, unreadCount = 0n } = view;
    served.push({ userId, loggedRead, lastSeq, lastNumber, joinedSeq, readNumber, unreadCount });
  }
  return served;
}
