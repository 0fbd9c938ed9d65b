import type { Pool } from '@realchat/db';
import { unreadCount } from '../domain/unread.ts';

/** Who marks what as read or received. */
export interface Mark {
  conversationId: string;
  userId: string;
  number: bigint;
  traceparent: string;
}

/** What holds after a mark. */
export interface ReadState {
  readNumber: bigint;
  unreadCount: bigint;
  /** There is something to tell the members. */
  advanced: boolean;
}

/** No member, or no message of that number yet. */
export type MarkRefusal = 'CONVERSATION_NOT_FOUND' | 'NUMBER_BEYOND_LAST';

interface Row {
  last_number: bigint;
  joined_number: bigint;
  before: bigint;
  advanced: boolean;
}

// Takes no lock but the row's own: it is no event yet. What was read before is as of the statement's snapshot, which may
// miss a greater mark that is being made; so the answer is at least what was asked for.
const MARK_READ = `
  with present as (
    select m.joined_number, m.sent_number, c.last_number
    from member m join conversation c on c.id = m.conversation_id
    where m.conversation_id = $1 and m.user_id = $2 and m.left_seq is null),
  marked as (
    insert into read_position as p (conversation_id, user_id, read_number, traceparent)
    select $1, $2, $3, $4 from present where $3 <= last_number and $3 > sent_number
    on conflict (conversation_id, user_id)
      do update set read_number = excluded.read_number, traceparent = excluded.traceparent
      where p.read_number < excluded.read_number
    returning 1)
  select last_number, joined_number, exists (select 1 from marked) as advanced,
         greatest(sent_number, (select p.read_number from read_position p where p.conversation_id = $1 and p.user_id = $2)) as before
  from present`;

/** Advances a member's read position, never back. */
export async function markRead(pool: Pool, mark: Mark): Promise<ReadState | MarkRefusal> {
  const result = await pool.query<Row>({
    name: 'mark-read',
    text: MARK_READ,
    values: [mark.conversationId, mark.userId, mark.number, mark.traceparent],
  });
  const row = result.rows[0];
  if (!row) return 'CONVERSATION_NOT_FOUND';
  if (mark.number > row.last_number) return 'NUMBER_BEYOND_LAST';
  const readNumber = max(row.before, mark.number);
  const unread = unreadCount({ last: row.last_number, read: readNumber, joined: row.joined_number });
  return { readNumber, unreadCount: unread, advanced: row.advanced };
}

const MARK_DELIVERED = `
  with present as (
    select c.last_number from member m join conversation c on c.id = m.conversation_id
    where m.conversation_id = $1 and m.user_id = $2 and m.left_seq is null),
  marked as (
    insert into read_position as p (conversation_id, user_id, delivered_number)
    select $1, $2, $3 from present where $3 <= last_number
    on conflict (conversation_id, user_id) do update set delivered_number = excluded.delivered_number
      where p.delivered_number < excluded.delivered_number
    returning 1)
  select last_number,
         exists (select 1 from marked) as advanced,
         (select count(*) from (select 1 from member m where m.conversation_id = $1 and m.left_seq is null limit $4) m) as members,
         (select p.delivered_number from read_position p where p.conversation_id = $1 and p.user_id = $2) as before
  from present`;

/** What holds after a mark of what was delivered. */
export interface DeliveredState {
  deliveredNumber: bigint;
  /** It has moved, and the conversation is small enough for everyone to be told. */
  toTell: boolean;
}

/** Advances a member's delivered position, never back. In conversations of more than `mostTold` members nobody is told. */
export async function markDelivered(
  pool: Pool,
  mark: Omit<Mark, 'traceparent'>,
  mostTold: number,
): Promise<DeliveredState | MarkRefusal> {
  const result = await pool.query<{ last_number: bigint; before: bigint | null; advanced: boolean; members: bigint }>({
    name: 'mark-delivered',
    text: MARK_DELIVERED,
    values: [mark.conversationId, mark.userId, mark.number, mostTold + 1],
  });
  const row = result.rows[0];
  if (!row) return 'CONVERSATION_NOT_FOUND';
  if (mark.number > row.last_number) return 'NUMBER_BEYOND_LAST';
  return {
    deliveredNumber: max(row.before ?? 0n, mark.number),
    toTell: row.advanced && row.members <= BigInt(mostTold),
  };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
