import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@realchat/db';
import { createTestDatabase } from '@realchat/testkit';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { shardOf } from '../domain/shard.ts';

// The shard-lock sequencing with the real rows: two processes append to the same conversations, half of all sends to one
// hot conversation, a fifth of them repeats; one process is killed (-9) and another takes its place; a member is removed.

const COUNT = 12_000;
const conversations = Array.from({ length: 40 }, () => uuidv7());
const senders = Array.from({ length: 8 }, () => uuidv7());
// Of those that send to the hot conversation.
const removed = senders[2] as string;

interface Told {
  senderId: string;
  conversationId: string;
  key: string;
  kind: 'stored' | 'repeated' | 'key-reused' | 'refused';
  seq: number;
}

let url: string;
let db: Client;
const told: Told[] = [];
let killedInFlight = 0;
let rate = 0;

beforeAll(async () => {
  url = await createTestDatabase(migrations);
  db = createClient({ url, name: 'append-test' });
  await db.connect();
  for (const id of conversations) await makeConversation(id);

  const begin = performance.now();
  const steady = startWorker('steady');
  const victim = startWorker('victim');
  await untilTold(4_000);
  victim.child.kill('SIGKILL');
  await victim.ended;
  killedInFlight = told.filter((each) => each.key.startsWith('victim')).length;
  const successor = startWorker('successor');
  await removeMember(conversations[0] as string, removed);
  await Promise.all([steady.ended, successor.ended]);
  rate = Math.round(told.length / ((performance.now() - begin) / 1000));
  process.stdout.write(`append: ${told.length} outcomes, ${rate}/s, with a kill and two processes starting\n`);
});

afterAll(() => db.end());

test('the fault has bitten: the killed process had been answered and was not done', () => {
  expect(killedInFlight).toBeGreaterThan(500);
  expect(killedInFlight).toBeLessThan(COUNT);
});

test('positions are gapless in every shard and end at its head', async () => {
  const { rows } = await db.query(
    `select s.id from shard s left join event e on e.shard = s.id group by s.id, s.head
     having count(e.*) <> s.head or coalesce(max(e.position), 0) <> s.head`,
  );
  expect(rows).toEqual([]);
});

test('seqs and numbers are gapless in every conversation and end at what it says', async () => {
  const { rows } = await db.query(
    `select c.id from conversation c join event e on e.conversation_id = c.id group by c.id
     having count(*) <> max(e.seq) or max(e.seq) <> c.last_seq
         or count(e.number) <> max(e.number) or max(e.number) <> c.last_number or max(e.position) <> c.head_position`,
  );
  expect(rows).toEqual([]);
});

test('order of position is order of seq within each conversation', async () => {
  const { rows } = await db.query(
    `select 1 from (select position, lag(position) over (partition by conversation_id order by seq) as before from event) o
     where before >= position limit 1`,
  );
  expect(rows).toEqual([]);
});

test('every send that was told stored is stored at the seq that was told, and no key has two messages', async () => {
  const { rows } = await db.query<{ key: string; seq: bigint; count: bigint }>(
    `select k.client_message_id as key, k.seq, count(e.*) as count
     from send_key k join event e on e.event_id = k.event_id group by 1, 2`,
  );
  const stored = new Map(rows.map((row) => [row.key, row]));
  const lost = told.filter(
    ({ kind, key, seq }) => (kind === 'stored' || kind === 'repeated') && stored.get(key)?.seq !== BigInt(seq),
  );
  expect(lost).toEqual([]);
  expect(rows.filter((row) => row.count !== 1n)).toEqual([]);
  const events = await db.query<{ count: bigint }>('select count(*) from event where type = 1');
  expect(events.rows[0]?.count).toBe(BigInt(rows.length));
});

test('a repeat gets the stored seq, another text under the same key is refused', () => {
  const first = new Map(told.filter(({ kind }) => kind === 'stored').map(({ key, seq }) => [key, seq]));
  const repeats = told.filter(({ kind }) => kind === 'repeated');
  expect(repeats.length).toBeGreaterThan(1_000);
  expect(repeats.filter(({ key, seq }) => first.has(key) && first.get(key) !== seq)).toEqual([]);
  expect(told.filter(({ kind }) => kind === 'key-reused').length).toBeGreaterThan(50);
});

test('every member has read up to the newest message of their own', async () => {
  const { rows } = await db.query(
    `select m.sent_number, max(e.number) as newest
     from member m join send_key k on k.sender_id = m.user_id
     join event e on e.event_id = k.event_id and e.conversation_id = m.conversation_id
     group by m.conversation_id, m.user_id, m.sent_number having m.sent_number <> max(e.number)`,
  );
  expect(rows).toEqual([]);
});

test('nothing of a removed member is accepted after the removal', async () => {
  const { rows } = await db.query<{ accepted: bigint; before: bigint }>(
    `select count(*) filter (where e.seq > m.left_seq) as accepted, count(*) filter (where e.seq < m.left_seq) as before
     from member m join send_key k on k.sender_id = m.user_id join event e on e.event_id = k.event_id and e.conversation_id = m.conversation_id
     where m.left_seq is not null`,
  );
  expect(rows[0]?.accepted).toBe(0n);
  expect(rows[0]?.before).toBeGreaterThan(0n);
  expect(told.filter(({ kind, senderId }) => kind === 'refused' && senderId === removed).length).toBeGreaterThan(10);
});

test('there was no deadlock', async () => {
  const { rows } = await db.query<{ deadlocks: bigint }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  expect(rows[0]?.deadlocks).toBe(0n);
});

function startWorker(device: string): { child: ChildProcess; ended: Promise<void> } {
  const child = spawn(process.execPath, [fileURLToPath(new URL('append-worker.ts', import.meta.url))], {
    env: {
      ...process.env,
      DATABASE_URL: url,
      CONVERSATIONS: conversations.join(','),
      SENDERS: senders.join(','),
      DEVICE: device,
      COUNT: String(COUNT),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) told.push(JSON.parse(line) as Told);
  });
  return { child, ended: new Promise((resolve) => child.on('close', () => resolve())) };
}

async function untilTold(count: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (told.length < count) {
    if (Date.now() > deadline) throw new Error(`only ${told.length} outcomes`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function makeConversation(id: string): Promise<void> {
  await db.query(
    `insert into conversation (id, shard, kind, title, creator_id, request_hash, create_time, last_seq, last_number, head_position)
     values ($1, $2, 2, 'a group', $3, '', now(), 0, 0, 0)`,
    [id, shardOf(id), senders[0]],
  );
  await db.query(
    'insert into member (conversation_id, user_id, joined_seq, role) select $1, user_id, 1, 1 from unnest($2::uuid[]) as t (user_id)',
    [id, senders],
  );
}

/** As every writer does it: the shard's lock first. */
async function removeMember(conversationId: string, userId: string): Promise<void> {
  const shard = shardOf(conversationId);
  await db.query('begin');
  await db.query('select 1 from shard where id = $1 for update', [shard]);
  await db.query(
    `with s as (update shard set head = head + 1 where id = $1 returning head),
     c as (update conversation set last_seq = last_seq + 1, head_position = head from s where id = $2 returning last_seq, head),
     m as (update member set left_seq = last_seq from c where conversation_id = $2 and user_id = $3 and left_seq is null)
     insert into event (shard, position, conversation_id, seq, type, event_id, create_time, body, traceparent)
     select $1, head, $2, last_seq, 4, gen_random_uuid(), clock_timestamp(), '', '' from c`,
    [shard, conversationId, userId],
  );
  await db.query('commit');
}
