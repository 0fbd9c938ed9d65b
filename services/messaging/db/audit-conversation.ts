import { fromBinary } from '@bufbuild/protobuf';
import { type Pool, type PoolClient, snapshot } from '@realchat/db';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { compareServed, type Discrepancy, type Served } from '../domain/compare-served.ts';
import { withPlace } from '../domain/event-bytes.ts';
import { createRecount } from '../domain/recount.ts';
import { readConversation } from './conversation-rows.ts';

const PAGE_EVENTS = 1_000;

interface EventRow {
  seq: bigint;
  number: bigint | null;
  body: Buffer;
}

/** The comparison of a conversation with its events, a page of them at a time. */
export interface ConversationAudit {
  /**
   * Reads the next page in a query of its own; answers how many events it has, and behind the last one what was found. One
   * that failed may be read again.
   */
  readPage(): Promise<{ events: number; found?: Discrepancy[] }>;
}

/**
 * Takes what the members of a conversation are served now, and prepares to make that anew from the events of before. These
 * never change, so they may be read at any later time, however long it takes; what is kept meanwhile is a few numbers for each
 * member. Undefined when there is no such conversation.
 */
export async function beginAudit(pool: Pool, conversationId: string): Promise<ConversationAudit | undefined> {
  const now = await snapshot(pool, async (db) => {
    const through = await readNewestSeq(db, conversationId);
    return through === undefined ? undefined : { through, served: await readServed(db, conversationId) };
  });
  if (!now) return undefined;
  const { through, served } = now;
  const recount = createRecount(new Map(served.map(({ userId, readNumber }) => [userId, readNumber])));
  let after = 0n;
  return {
    async readPage() {
      const rows = await readEvents(pool, conversationId, after, through);
      for (const row of rows) {
        const event = decode(row);
        // Nothing can be made of what follows it.
        if (!event) return { events: rows.length, found: [unreadable(row.seq)] };
        recount.add(event);
      }
      after = rows.at(-1)?.seq ?? after;
      if (rows.length === PAGE_EVENTS) return { events: rows.length };
      return { events: rows.length, found: compareServed(recount.result(), served) };
    },
  };
}

/** As beginAudit, through all pages. */
export async function auditConversation(pool: Pool, conversationId: string): Promise<Discrepancy[] | undefined> {
  const audit = await beginAudit(pool, conversationId);
  if (!audit) return undefined;
  for (;;) {
    const { found } = await audit.readPage();
    if (found) return found;
  }
}

/** Some conversations after this one, in the order of their ids. */
export async function conversationsAfter(pool: Pool, after: string, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from conversation where id > $1 order by id limit $2', [
    after,
    limit,
  ]);
  return rows.map(({ id }) => id);
}

/** An id to begin after, at a random time between the first conversation and the newest: ids are UUIDv7, in the order of time. */
export async function placeAmongConversations(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ first: string; last: string }>(
    `select first.id as first, last.id as last from (select id from conversation order by id limit 1) first,
     (select id from conversation order by id desc limit 1) last`,
  );
  if (!rows[0]) return undefined;
  const [first, last] = [timeOf(rows[0].first), timeOf(rows[0].last)];
  const time = Math.floor(first + Math.random() * (last - first));
  return time
    .toString(16)
    .padStart(12, '0')
    .padEnd(32, '0')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** In milliseconds. */
function timeOf(uuidv7: string): number {
  return Number.parseInt(uuidv7.replace('-', '').slice(0, 12), 16);
}

/** Of the newest event that there is, whatever the conversation's row says of it; undefined without a conversation. */
async function readNewestSeq(db: PoolClient, conversationId: string): Promise<bigint | undefined> {
  const { rows } = await db.query<{ seq: bigint }>(
    `select coalesce((select max(e.seq) from event e where e.conversation_id = c.id), 0)::bigint as seq
     from conversation c where c.id = $1`,
    [conversationId],
  );
  return rows[0]?.seq;
}

async function readEvents(pool: Pool, conversationId: string, after: bigint, through: bigint): Promise<EventRow[]> {
  const { rows } = await pool.query<EventRow>(
    'select seq, number, body from event where conversation_id = $1 and seq > $2 and seq <= $3 order by seq limit $4',
    [conversationId, after, through, PAGE_EVENTS],
  );
  return rows;
}

/** Undefined when the bytes are none of an event. */
function decode({ seq, number, body }: EventRow): ConversationEvent | undefined {
  try {
    return fromBinary(ConversationEventSchema, withPlace(body, { seq, position: 0n, number, createTimeMicros: 0n }));
  } catch {
    return undefined;
  }
}

function unreadable(seq: bigint): Discrepancy {
  return { kind: 'unreadable', userId: '', served: seq, logged: 0n };
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
