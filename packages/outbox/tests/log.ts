import { type Client, createClient } from '@realchat/db';
import type { EventRecord } from '@realchat/eventlog';
import { createEmptyDatabase } from '@realchat/testkit';
import { RELAY_TABLE_SQL } from '../relay-table.ts';
import type { OutboxSource } from '../source.ts';

// A log as a service keeps it: positions and seqs are given under the lock of the shard, in a statement of its own.

export const SHARDS = 16;

const TABLES = `
  create table shard (id int primary key, head bigint not null default 0) with (fillfactor = 10);
  insert into shard (id) select generate_series(0, ${SHARDS - 1});
  create table conversation (id int primary key, shard int not null, last_seq bigint not null default 0);
  create table event (
    shard int not null, position bigint not null, conversation int not null, seq bigint not null,
    body bytea not null, traceparent text not null, create_time timestamptz not null default clock_timestamp(),
    primary key (shard, position)
  );
`;
const LOCK = 'select 1 from shard where id = any($1) order by id for update';
const APPEND = `
  with input as (
    select c.id as conversation, c.shard, t.body, t.ord
    from unnest($1::int[], $2::bytea[]) with ordinality as t (conversation, body, ord) join conversation c on c.id = t.conversation
  ),
  placed as (
    select *, row_number() over (partition by shard order by ord) as p, row_number() over (partition by conversation order by ord) as s
    from input
  ),
  sh as (
    update shard set head = head + n from (select shard as id, count(*) as n from placed group by 1) as per
    where shard.id = per.id returning shard.id, head - n as base
  ),
  cu as (
    update conversation c set last_seq = last_seq + n from (select conversation as id, count(*) as n from placed group by 1) as per
    where c.id = per.id returning c.id, last_seq - n as base
  )
  insert into event (shard, position, conversation, seq, body, traceparent)
  select placed.shard, sh.base + p, placed.conversation, cu.base + s, body, '00-trace-' || placed.conversation || '-01'
  from placed join sh on sh.id = placed.shard join cu on cu.id = placed.conversation`;

/** Makes a database with a log of some conversations; answers its address. */
export async function createLog(superuserUrl: string, conversations: number): Promise<string> {
  const url = await createEmptyDatabase(superuserUrl);
  await withClient(url, async (client) => {
    await client.query(TABLES);
    await client.query(RELAY_TABLE_SQL);
    await client.query(
      'insert into conversation (id, shard) select n, n % $1::int from generate_series(0, $2::int - 1) n',
      [SHARDS, conversations],
    );
  });
  return url;
}

/** Appends one event for each conversation named, in one transaction. `misbehave` runs before its end and may throw. */
export async function append(
  client: Client,
  conversations: number[],
  misbehave: (client: Client) => Promise<void> = () => Promise.resolve(),
  bodyBytes = 300,
): Promise<Set<number>> {
  const shards = new Set(conversations.map((conversation) => conversation % SHARDS));
  try {
    await client.query('begin');
    await client.query({ name: 'lock', text: LOCK, values: [[...shards]] });
    const bodies = conversations.map(() => Buffer.alloc(bodyBytes, 'x'));
    await client.query({ name: 'append', text: APPEND, values: [conversations, bodies] });
    await misbehave(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
  return shards;
}

/** The log as the relay reads it. */
export function sourceOf(topic: string): OutboxSource {
  return {
    name: 'test',
    shards: SHARDS,
    async readHeads(client) {
      const { rows } = await client.query<{ head: bigint }>({
        name: 'heads',
        text: 'select head from shard order by id',
      });
      return rows.map(({ head }) => head);
    },
    async readAfter(client, shard, position, limit) {
      const { rows } = await client.query<{
        position: bigint;
        conversation: number;
        seq: bigint;
        body: Buffer;
        traceparent: string;
        ms: number;
      }>({
        name: 'read',
        text: `select position, conversation, seq, body, traceparent, extract(epoch from create_time)::float8 * 1000 as ms
               from event where shard = $1 and position > $2 order by position limit $3`,
        values: [shard, position, limit],
      });
      return rows.map((row) => ({
        position: row.position,
        createTimeMs: row.ms,
        record: {
          topic,
          partition: shard,
          key: String(row.conversation),
          value: row.body,
          headers: { position: String(row.position), seq: String(row.seq), traceparent: row.traceparent },
        },
      }));
    },
  };
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = createClient({ url, name: 'outbox-test' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function headsOf(url: string): Promise<bigint[]> {
  return withClient(url, (client) => sourceOf('').readHeads(client));
}

interface ShardRow {
  shard: number;
  published: bigint;
  owner: string | null;
  epoch: bigint;
}

export async function relayShards(url: string): Promise<ShardRow[]> {
  const { rows } = await withClient(url, (client) =>
    client.query<ShardRow>('select shard, published, owner, epoch from relay_shard order by shard'),
  );
  return rows;
}

/** Which parts of the shards are published, as the table says. */
export async function isPublished(url: string): Promise<boolean> {
  const [heads, shards] = await Promise.all([headsOf(url), relayShards(url)]);
  return heads.every((head, shard) => shards[shard]?.published === head);
}

/** What is wrong with a topic that was read back whole: per shard, the first copies have to be 1, 2, 3, … up to the head. */
export function faultsOf(
  records: EventRecord[],
  heads: bigint[],
): { lost: number; inversions: number; duplicates: number } {
  const faults = { lost: 0, inversions: 0, duplicates: 0 };
  const seqs = new Map<string, bigint>();
  heads.forEach((head, shard) => {
    let next = 1n;
    for (const record of records.filter(({ partition }) => partition === shard)) {
      const position = BigInt(record.headers.text('position') ?? 0);
      if (position < next) {
        faults.duplicates += 1;
        continue;
      }
      if (position > next) faults.inversions += 1;
      next = position + 1n;
      const key = Buffer.from(record.key ?? []).toString();
      const seq = BigInt(record.headers.text('seq') ?? 0);
      if (seq !== (seqs.get(key) ?? 0n) + 1n) faults.inversions += 1;
      seqs.set(key, seq);
    }
    faults.lost += Number(head - (next - 1n));
  });
  return faults;
}
