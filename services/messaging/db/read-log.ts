import { type Client, type Pool, type PoolClient, snapshot } from '@realchat/db';
import { withPlace } from '../domain/event-bytes.ts';

/** One event of the log as stored. */
export interface LogRow {
  shard: number;
  position: bigint;
  conversation_id: string;
  seq: bigint;
  number: bigint | null;
  type: number;
  micros: bigint;
  body: Buffer;
  traceparent: string;
}

/** The whole event: its bytes with its place. */
export function placed(row: LogRow): Uint8Array {
  const { seq, position, number, micros } = row;
  return withPlace(row.body, { seq, position, number, createTimeMicros: micros });
}

type Db = Pool | PoolClient | Client;

const COLUMNS = `e.shard, e.position, e.conversation_id, e.seq, e.number, e.type, e.body, e.traceparent,
  (extract(epoch from e.create_time) * 1000000)::bigint as micros`;

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

/** A shard's events after a position, in order. */
export async function readShard(db: Db, shard: number, after: bigint, limit: number): Promise<LogRow[]> {
  const result = await db.query<LogRow>({
    name: 'read-shard',
    text: `select ${COLUMNS} from event e where e.shard = $1 and e.position > $2 order by e.position limit $3`,
    values: [shard, after, limit],
  });
  return result.rows;
}

/** All that a stream needs to start, from one snapshot. */
export interface SessionSnapshot {
  heads: bigint[];
  conversationIds: string[];
  /** What the user missed and may see; `maxEvents + 1` rows mean that there is more. */
  rows: LogRow[];
}

/** Reads heads, memberships and missed events together. Without `after`, nothing was missed. */
export function readSessionSnapshot(
  pool: Pool,
  userId: string,
  after: bigint[] | undefined,
  maxEvents: number,
): Promise<SessionSnapshot> {
  return snapshot(pool, async (client) => {
    const heads = await readHeads(client);
    const present = await client.query<{ conversation_id: string }>(
      'select conversation_id from member where user_id = $1 and left_seq is null',
      [userId],
    );
    const rows = after ? await readMissed(client, userId, after, maxEvents + 1) : [];
    return { heads, conversationIds: present.rows.map((row) => row.conversation_id), rows };
  });
}

// Memberships joined with conversations that have moved, then their events by (conversation, position).
async function readMissed(client: PoolClient, userId: string, after: bigint[], limit: number): Promise<LogRow[]> {
  const result = await client.query<LogRow>(
    `select ${COLUMNS}
     from unnest($2::bigint[]) with ordinality as seen (position, shard_ordinal)
     join conversation c on c.shard = seen.shard_ordinal - 1 and c.head_position > seen.position
     join member m on m.conversation_id = c.id and m.user_id = $1
     join event e on e.conversation_id = c.id and e.position > seen.position
       and e.seq >= m.joined_seq and (m.left_seq is null or e.seq <= m.left_seq)
     order by e.shard, e.position limit $3`,
    [userId, after, limit],
  );
  return result.rows;
}
