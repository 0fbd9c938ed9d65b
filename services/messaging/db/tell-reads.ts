import { type Pool, transaction } from '@realchat/db';

/** What one round has told. */
export interface Told {
  count: number;
  shards: number[];
  /** When the next position is due, in milliseconds from now, 0 or more; undefined: none waits. */
  nextInMs: number | undefined;
}

/** The least time between two events of one member and conversation. */
const EVERY = '1 second';

const WAITING = `
  select c.shard, greatest(0, extract(epoch from p.told_time + $2::interval - clock_timestamp()) * 1000)::float8 as in_ms
  from read_position p join conversation c on c.id = p.conversation_id
  where p.read_number > p.told_number order by p.told_time limit $1`;

// What is marked after this snapshot is beyond `told_number` and so due again. Who is no member any more tells nobody.
// Events that a newer one supersedes are deleted once they are published: so the relay finds no hole, and Kafka has all.
const TELL = `
  with due as materialized (
    select p.conversation_id, p.user_id, p.read_number, p.traceparent, c.shard, c.last_seq
    from read_position p join conversation c on c.id = p.conversation_id
    where p.read_number > p.told_number and p.told_time <= clock_timestamp() - $3::interval and c.shard = any($1::int[])
    order by p.told_time limit $2),
  visible as (
    select d.* from due d
    join member m on m.conversation_id = d.conversation_id and m.user_id = d.user_id and m.left_seq is null),
  numbered as (
    select v.*, row_number() over (partition by shard order by conversation_id, user_id) as in_shard from visible v),
  shards as (
    update shard set head = head + n.count from (select shard, count(*) as count from numbered group by shard) n
    where id = n.shard returning id, head - n.count as base),
  placed as materialized (
    select n.*, s.base + n.in_shard as position from numbered n join shards s on s.id = n.shard),
  conversations as (
    update conversation c set head_position = n.position
    from (select conversation_id, max(position) as position from placed group by conversation_id) n
    where c.id = n.conversation_id),
  superseded as (
    delete from read_event e using placed p, relay_shard r
    where e.conversation_id = p.conversation_id and e.user_id = p.user_id
      and r.shard = e.shard and e.position <= r.published),
  events as (
    insert into read_event (shard, position, conversation_id, user_id, number, after_seq, create_time, traceparent)
    select shard, position, conversation_id, user_id, read_number, last_seq, clock_timestamp(), traceparent from placed),
  told as (
    update read_position p set told_number = d.read_number, told_time = clock_timestamp()
    from due d where p.conversation_id = d.conversation_id and p.user_id = d.user_id)
  select shard, count(*) as count from placed group by shard`;

/** Writes the events of read positions that are due, at most `limit`, in one transaction under their shards' locks. */
export async function tellReads(pool: Pool, limit: number): Promise<Told> {
  const waiting = await pool.query<{ shard: number; in_ms: number }>({
    name: 'reads-waiting',
    text: WAITING,
    values: [limit, EVERY],
  });
  const due = waiting.rows.filter((row) => row.in_ms === 0);
  const later = waiting.rows.find((row) => row.in_ms > 0);
  if (due.length === 0) return { count: 0, shards: [], nextInMs: later?.in_ms };

  const shards = [...new Set(due.map((row) => row.shard))];
  const told = await transaction(pool, async (client) => {
    await client.query('select 1 from shard where id = any($1::int[]) order by id for update', [shards]);
    return client.query<{ shard: number; count: bigint }>({
      name: 'tell-reads',
      text: TELL,
      values: [shards, limit, EVERY],
    });
  });
  return {
    count: told.rows.reduce((sum, row) => sum + Number(row.count), 0),
    shards: told.rows.map((row) => row.shard),
    nextInMs: waiting.rows.length === limit ? 0 : later?.in_ms,
  };
}
