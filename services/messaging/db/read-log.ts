import { type Client, type Pool, type PoolClient, snapshot } from '@realchat/db';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { encodeEvent, withPlace } from '../domain/event-bytes.ts';

/** One event of the log as stored. */
export interface LogRow {
  shard: number;
  position: bigint;
  conversation_id: string;
  /** 0 for an event that takes none. */
  seq: bigint;
  /** The message's number, or the number that was read. */
  number: bigint | null;
  type: number;
  micros: bigint;
  /** Empty for a read position: its event is made of the columns. */
  body: Buffer;
  traceparent: string;
  /** Whose read position it is; null for every other event. */
  reader_id: string | null;
}

/** The whole event: its bytes with its place. The same row always gives the same bytes. */
export function placed(row: LogRow): Uint8Array {
  const { seq, position, number, micros: createTimeMicros } = row;
  if (row.reader_id === null) return withPlace(row.body, { seq, position, number, createTimeMicros });
  const change = { case: 'readAdvanced', value: { userId: row.reader_id, number: number ?? 0n } } as const;
  const body = encodeEvent({ conversationId: row.conversation_id, actorId: row.reader_id, change });
  return withPlace(body, { seq, position, number: null, createTimeMicros });
}

type Db = Pool | PoolClient | Client;

const COLUMNS = `e.shard, e.position, e.conversation_id, e.seq, e.number, e.type, e.body, e.traceparent,
  (extract(epoch from e.create_time) * 1000000)::bigint as micros, null::uuid as reader_id`;
const READ_COLUMNS = `e.shard, e.position, e.conversation_id, 0::bigint, e.number, ${LogRecordType.READ_ADVANCED}, ''::bytea, e.traceparent,
  (extract(epoch from e.create_time) * 1000000)::bigint, e.user_id`;

/** The newest committed position of every shard, by shard id. */
export async function readHeads(db: Db): Promise<bigint[]> {
  const result = await db.query<{ head: bigint }>({ name: 'read-heads', text: 'select head from shard order by id' });
  return result.rows.map((row) => row.head);
}

/** Names the log; fixed for a database's life. */
export async function readEpoch(pool: Pool): Promise<string> {
  const result = await pool.query<{ epoch: string }>('select epoch from log_epoch');
  const epoch = result.rows[0]?.epoch;
  if (!epoch) throw new Error('the log has no epoch');
  return epoch;
}

/** A shard's events after a position, in order. A position that is missing was superseded. */
export async function readShard(db: Db, shard: number, after: bigint, limit: number): Promise<LogRow[]> {
  const result = await db.query<LogRow>({
    name: 'read-shard',
    text: `(select ${COLUMNS} from event e where e.shard = $1 and e.position > $2 order by e.position limit $3)
      union all
      (select ${READ_COLUMNS} from read_event e where e.shard = $1 and e.position > $2 order by e.position limit $3)
      order by position limit $3`,
    values: [shard, after, limit],
  });
  return result.rows;
}

/** All that a stream needs to start, from one snapshot. */
export interface SessionSnapshot {
  heads: bigint[];
  conversationIds: string[];
  /** What the user missed and may see. More events or more bytes of them than asked for mean that there is more. */
  rows: LogRow[];
}

/** The most that is read of what a user missed. */
export interface Most {
  events: number;
  bytes: number;
}

/** Reads heads, memberships and missed events together. Without `after`, nothing was missed. */
export function readSessionSnapshot(
  pool: Pool,
  userId: string,
  after: bigint[] | undefined,
  most: Most,
): Promise<SessionSnapshot> {
  return snapshot(pool, async (client) => {
    const heads = await readHeads(client);
    const present = await client.query<{ conversation_id: string }>(
      'select conversation_id from member where user_id = $1 and left_seq is null',
      [userId],
    );
    const rows = after ? await readMissed(client, userId, after, most) : [];
    return { heads, conversationIds: present.rows.map((row) => row.conversation_id), rows };
  });
}

// Memberships joined with conversations that have moved, then their events by (conversation, position). Of what members
// have read the newest is enough. Bodies are added up by their sizes before they are read: what does not fit stays there.
async function readMissed(client: PoolClient, userId: string, after: bigint[], most: Most): Promise<LogRow[]> {
  const result = await client.query<LogRow>(
    `with stint as (
       select m.conversation_id, m.joined_seq, m.left_seq, seen.position
       from unnest($2::bigint[]) with ordinality as seen (position, shard_ordinal)
       join conversation c on c.shard = seen.shard_ordinal - 1 and c.head_position > seen.position
       join member m on m.conversation_id = c.id and m.user_id = $1),
     missed as (select ${COLUMNS}
     from stint m join event e on e.conversation_id = m.conversation_id and e.position > m.position
       and e.seq >= m.joined_seq and (m.left_seq is null or e.seq <= m.left_seq)
     union all
     select ${READ_COLUMNS}
     from stint m join read_event e on e.conversation_id = m.conversation_id and e.position > m.position
       and e.after_seq >= m.joined_seq and (m.left_seq is null or e.after_seq < m.left_seq)
     where not exists (select 1 from read_event n where n.conversation_id = e.conversation_id
                       and n.user_id = e.user_id and n.position > e.position)
     order by shard, position limit $3),
     sized as (select *, sum(octet_length(body)) over (order by shard, position) - octet_length(body) as before from missed)
     select shard, position, conversation_id, seq, number, type, body, traceparent, micros, reader_id
     from sized where before <= $4 order by shard, position`,
    [userId, after, most.events + 1, most.bytes],
  );
  return result.rows;
}
