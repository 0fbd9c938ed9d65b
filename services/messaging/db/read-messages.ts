import type { Pool } from '@realchat/db';
import type { StoredMessage } from '../domain/message-bytes.ts';

/** What a user may see of a conversation at all. */
export interface Visibility {
  /** The conversation's newest seq, or the user's leave. */
  lastSeq: bigint;
  /** The first seq of the user's first stint. */
  firstSeq: bigint;
}

/** What the user's stints span; undefined when the user has never been a member. */
export async function readVisibility(
  pool: Pool,
  userId: string,
  conversationId: string,
): Promise<Visibility | undefined> {
  const result = await pool.query<{ first: bigint | null; last: bigint }>(
    `select min(m.joined_seq) as first, max(coalesce(m.left_seq, c.last_seq)) as last
     from member m join conversation c on c.id = m.conversation_id
     where m.user_id = $1 and m.conversation_id = $2`,
    [userId, conversationId],
  );
  const row = result.rows[0];
  return row && row.first !== null ? { firstSeq: row.first, lastSeq: row.last } : undefined;
}

/** Which messages of a conversation to read. */
export interface MessageQuery {
  userId: string;
  conversationId: string;
  /** Excluded, as `before`. */
  after: bigint;
  before: bigint;
  newestFirst: boolean;
  /** How many at most, and how many bytes: the one that goes beyond is the last. */
  limit: number;
  limitBytes: number;
}

/** Messages between two seqs that the user's stints let through, nearest to the given end first. */
export async function readMessages(pool: Pool, query: MessageQuery): Promise<StoredMessage[]> {
  const order = query.newestFirst ? 'desc' : 'asc';
  // Of what is beyond the bytes, no body is read: only its length.
  const result = await pool.query<StoredMessage>(
    `select seq, number, micros, body from (
       select *, sum(octet_length(body)) over (order by seq ${order} rows between unbounded preceding and 1 preceding) as bytes_before
       from (
         select e.seq, e.number, (extract(epoch from e.create_time) * 1000000)::bigint as micros, e.body
         from event e
         where e.conversation_id = $1 and e.type = 1 and e.seq > $3 and e.seq < $4
           and exists (select 1 from member m where m.conversation_id = $1 and m.user_id = $2
                       and e.seq >= m.joined_seq and (m.left_seq is null or e.seq <= m.left_seq))
         order by e.seq ${order} limit $5) found) counted
     where coalesce(bytes_before, 0) <= $6 order by seq ${order}`,
    [query.conversationId, query.userId, query.after, query.before, query.limit, query.limitBytes],
  );
  return result.rows;
}

/** One message by its id, if the user's stints let it through. */
export async function readMessage(
  pool: Pool,
  query: { userId: string; conversationId: string; messageId: string },
): Promise<StoredMessage | undefined> {
  const result = await pool.query<StoredMessage>(
    `select e.seq, e.number, (extract(epoch from e.create_time) * 1000000)::bigint as micros, e.body
     from event e
     where e.event_id = $3 and e.conversation_id = $1 and e.type = 1
       and exists (select 1 from member m where m.conversation_id = $1 and m.user_id = $2
                   and e.seq >= m.joined_seq and (m.left_seq is null or e.seq <= m.left_seq))`,
    [query.conversationId, query.userId, query.messageId],
  );
  return result.rows[0];
}
