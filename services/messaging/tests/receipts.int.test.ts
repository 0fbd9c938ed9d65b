import { fromBinary } from '@bufbuild/protobuf';
import { createPool, type Pool } from '@realchat/db';
import { EventLogUnavailableError, type OutgoingRecord } from '@realchat/eventlog';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { createRelay } from '@realchat/outbox';
import { refusalOf, silentTelemetry, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logSource } from '../db/log-source.ts';
import { tellReads } from '../db/tell-reads.ts';
import { shardOf } from '../domain/shard.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
let pool: Pool;
beforeAll(async () => {
  fixture = await createFixture();
  pool = createPool({ url: fixture.url, size: 4, name: 'test', log: silentTelemetry().log });
});
afterAll(async () => {
  await pool.end();
  await fixture.stop();
});

/** A group of three with some messages of the first one. */
async function stage(messages: number) {
  const [alice, bob, carol] = (await fixture.users(3)) as [User, User, User];
  const conversationId = await fixture.group(alice, [bob, carol]);
  for (let i = 0; i < messages; i++) await fixture.send(alice, conversationId, `m${i + 1}`);
  return { alice, bob, carol, conversationId };
}

async function unreadOf(user: User, conversationId: string) {
  const { conversation } = await user.conversations.getConversation({ conversationId });
  return { read: conversation?.readNumber, unread: conversation?.unreadCount };
}

function mark(user: User, conversationId: string, number: number) {
  return user.messages.markRead({ conversationId, number: BigInt(number) });
}

function readsIn(events: ConversationEvent[]) {
  return events.flatMap(({ seq, change }) =>
    change.case === 'readAdvanced' ? [{ seq, userId: change.value.userId, number: change.value.number }] : [],
  );
}

/** Waits until the log says that this user has read so far. */
async function told(conversationId: string, user: User, number: number) {
  await until(`the log tells of ${number}`, async () =>
    readsIn(await fixture.events(conversationId)).some(
      (each) => each.userId === user.id && each.number === BigInt(number),
    ),
  );
}

describe('unread', () => {
  test('is what came after the newest that was read, and falls with MarkRead alone', async () => {
    const { alice, bob, conversationId } = await stage(5);
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 0n, unread: 5n });
    expect(await mark(bob, conversationId, 3)).toMatchObject({ readNumber: 3n, unreadCount: 2n });
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 3n, unread: 2n });
    await fixture.send(alice, conversationId);
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 3n, unread: 3n });
    const { conversations } = await bob.conversations.listConversations({});
    expect(conversations[0]).toMatchObject({ conversationId, readNumber: 3n, unreadCount: 3n });
  });

  test('positions only grow: a smaller or the same number answers what holds', async () => {
    const { bob, conversationId } = await stage(5);
    await mark(bob, conversationId, 4);
    expect(await mark(bob, conversationId, 2)).toMatchObject({ readNumber: 4n, unreadCount: 1n });
    expect(await mark(bob, conversationId, 4)).toMatchObject({ readNumber: 4n, unreadCount: 1n });
    const all = await Promise.all([5, 1, 3, 5, 2].map((number) => mark(bob, conversationId, number)));
    for (const { readNumber } of all) expect(readNumber).toBeGreaterThanOrEqual(4n);
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 5n, unread: 0n });
  });

  test('a number that no message has yet is refused by field, and changes nothing', async () => {
    const { bob, conversationId } = await stage(2);
    for (const call of [
      mark(bob, conversationId, 3),
      bob.messages.markDelivered({ conversationId, number: 2n ** 62n }),
    ]) {
      expect(await refusalOf(call)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'NUMBER_BEYOND_LAST',
        fields: ['number'],
      });
    }
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 0n, unread: 2n });
  });

  test('sending reads up to one’s own message, alone and in a batch with others', async () => {
    const { alice, bob, conversationId } = await stage(3);
    expect(await unreadOf(alice, conversationId)).toEqual({ read: 3n, unread: 0n });
    await Promise.all(Array.from({ length: 20 }, (_, i) => fixture.send(i % 2 ? alice : bob, conversationId)));
    const own = new Map<string, bigint>();
    for (const { change } of await fixture.events(conversationId)) {
      const message = change.case === 'messageSent' ? change.value.message : undefined;
      if (message) own.set(message.senderId, message.number);
    }
    for (const user of [alice, bob]) {
      const read = own.get(user.id) ?? 0n;
      expect(await unreadOf(user, conversationId)).toEqual({ read, unread: 23n - read });
    }
    expect(await mark(bob, conversationId, 1)).toMatchObject({ readNumber: own.get(bob.id) });
  });

  test('a repeat of a send reads no further', async () => {
    const { alice, bob, conversationId } = await stage(1);
    const once = { conversationId, clientMessageId: 'one', content: { case: 'text', value: 'hi' } } as const;
    await bob.messages.sendMessage(once);
    await fixture.send(alice, conversationId);
    await bob.messages.sendMessage(once);
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 2n, unread: 1n });
  });

  test('who joins has nothing unread; who comes back has missed nothing, and has read what they had', async () => {
    const { alice, bob, conversationId } = await stage(4);
    const [dave] = (await fixture.users(1)) as [User];
    await alice.conversations.addMembers({ conversationId, userIds: [dave.id] });
    expect(await unreadOf(dave, conversationId)).toEqual({ read: 0n, unread: 0n });
    await mark(bob, conversationId, 2);
    await fixture.send(bob, conversationId);
    await bob.conversations.leaveConversation({ conversationId });
    await fixture.send(alice, conversationId);
    await alice.conversations.addMembers({ conversationId, userIds: [bob.id] });
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 5n, unread: 0n });
    await fixture.send(alice, conversationId);
    expect(await unreadOf(bob, conversationId)).toEqual({ read: 5n, unread: 1n });
    expect(await unreadOf(dave, conversationId)).toEqual({ read: 0n, unread: 3n });
    expect(await mark(bob, conversationId, 6)).toMatchObject({ readNumber: 6n, unreadCount: 1n });
  });
});

test('ListMembers says how far each has read and received; what was read was received', async () => {
  const { alice, bob, carol, conversationId } = await stage(5);
  expect(await bob.messages.markDelivered({ conversationId, number: 4n })).toMatchObject({ deliveredNumber: 4n });
  expect(await bob.messages.markDelivered({ conversationId, number: 1n })).toMatchObject({ deliveredNumber: 4n });
  await mark(bob, conversationId, 2);
  await mark(carol, conversationId, 3);
  const { members } = await carol.conversations.listMembers({ conversationId });
  const numbers = Object.fromEntries(
    members.map(({ userId, readNumber, deliveredNumber }) => [userId, [readNumber, deliveredNumber]]),
  );
  expect(numbers).toEqual({ [alice.id]: [5n, 5n], [bob.id]: [2n, 4n], [carol.id]: [3n, 3n] });
});

describe('the event of a read position', () => {
  test('takes a position and no seq, and says who has read how far, with the trace of the call', async () => {
    const { alice, bob, conversationId } = await stage(2);
    await mark(bob, conversationId, 2);
    await told(conversationId, bob, 2);
    await fixture.send(alice, conversationId);
    const events = await fixture.events(conversationId);
    expect(events.map(({ seq }) => seq)).toEqual([1n, 2n, 3n, 0n, 4n]);
    const positions = events.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((a, b) => Number(a - b)));
    expect(events[3]).toMatchObject({ conversationId, actorId: bob.id });
    expect(events[3]?.createTime?.seconds).toBeGreaterThan(1_000_000n);
    const shard = shardOf(conversationId);
    const { records } = await fixture.log.readLog({ shard, afterPosition: (events[3]?.position ?? 0n) - 1n });
    expect(records[0]).toMatchObject({ type: LogRecordType.READ_ADVANCED, seq: 0n, conversationId });
    expect(records[0]?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test('is told at most once a second per member, the newest always; marks that change nothing are not told', async () => {
    const { bob, carol, conversationId } = await stage(60);
    for (let number = 1; number <= 60; number++) {
      await mark(bob, conversationId, number);
      await mark(bob, conversationId, 1);
      if (number === 30) await told(conversationId, bob, 30);
    }
    await mark(carol, conversationId, 7);
    await told(conversationId, bob, 60);
    await told(conversationId, carol, 7);
    const { rows } = await fixture.db.query<{ number: bigint; since: number | null }>(
      `select number, extract(epoch from create_time - lag(create_time) over (order by position))::float8 as since
       from read_event where conversation_id = $1 and user_id = $2 order by position`,
      [conversationId, bob.id],
    );
    const numbers = rows.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => Number(a - b)));
    expect(rows.length).toBeLessThan(6);
    for (const { since } of rows) if (since !== null) expect(since).toBeGreaterThanOrEqual(1);
  });

  test('instances that tell at once tell each position once, in the order of the log', async () => {
    const stages = await Promise.all([1, 2, 3, 4].map(() => stage(1)));
    const ids = stages.map(({ conversationId }) => conversationId);
    for (let round = 1; round <= 10; round++) {
      await fixture.db.query(
        `insert into read_position (conversation_id, user_id, read_number)
         select conversation_id, user_id, $2 from member where conversation_id = any($1) and sent_number = 0
         on conflict (conversation_id, user_id) do update set read_number = $2, told_time = 'epoch'`,
        [ids, round],
      );
      await Promise.all(Array.from({ length: 4 }, () => tellReads(pool, 100)));
    }
    await until('all is told', async () => {
      const { rows } = await fixture.db.query(
        'select 1 from read_position where conversation_id = any($1) and read_number > told_number',
        [ids],
      );
      return rows.length === 0;
    });
    const { rows } = await fixture.db.query<{ numbers: number[] }>(
      `select array_agg(number::int order by position) as numbers from read_event
       where conversation_id = any($1) group by conversation_id, user_id`,
      [ids],
    );
    const each = Array.from({ length: 10 }, (_, i) => i + 1);
    expect(rows.map(({ numbers }) => numbers)).toEqual(Array.from({ length: 8 }, () => each));
  });

  test('what an instance that died has not told is told by another', async () => {
    const { bob, conversationId } = await stage(3);
    await fixture.db.query('insert into read_position (conversation_id, user_id, read_number) values ($1, $2, 3)', [
      conversationId,
      bob.id,
    ]);
    await told(conversationId, bob, 3);
  });

  test('S-12, S-13: of a member who has left, nothing more is told; a session is told within its stints alone', async () => {
    const { alice, bob, carol, conversationId } = await stage(3);
    const before = (await fixture.log.readHeads({})).heads;
    const missedBy = async (user: User) => {
      const request = { userId: user.id, afterPositions: before, maxEvents: 100 };
      const { records } = await fixture.log.readSession(request);
      return readsIn(records.map(({ event }) => fromBinary(ConversationEventSchema, event)));
    };
    const [dave, stranger] = (await fixture.users(2)) as [User, User];
    await mark(bob, conversationId, 1);
    await told(conversationId, bob, 1);
    // Not due for a second, and not told when it is.
    await mark(bob, conversationId, 2);
    await bob.conversations.leaveConversation({ conversationId });
    await alice.conversations.addMembers({ conversationId, userIds: [dave.id] });
    await mark(carol, conversationId, 3);
    await told(conversationId, carol, 3);
    await until('nothing is due', async () => {
      const { rows } = await fixture.db.query('select 1 from read_position where read_number > told_number');
      return rows.length === 0;
    });
    const ofBob = { seq: 0n, userId: bob.id, number: 1n };
    const ofCarol = { seq: 0n, userId: carol.id, number: 3n };
    expect(readsIn(await fixture.events(conversationId))).toEqual([ofBob, ofCarol]);
    expect(await missedBy(alice)).toEqual([ofBob, ofCarol]);
    expect(await missedBy(bob)).toEqual([ofBob]);
    expect(await missedBy(dave)).toEqual([ofCarol]);
    expect(await missedBy(stranger)).toEqual([]);
  });

  test('one that is published goes once there is a newer one; the log says that it is complete without it', async () => {
    const { alice, bob, conversationId } = await stage(4);
    const shard = shardOf(conversationId);
    await fixture.db.query('insert into relay_shard (shard) select generate_series(0, 15) on conflict do nothing');
    const publish = () =>
      fixture.db.query('update relay_shard r set published = s.head from shard s where s.id = r.shard');
    const before = (await fixture.log.readHeads({})).heads;
    for (const number of [1, 2]) {
      await mark(bob, conversationId, number);
      await told(conversationId, bob, number);
    }
    // Neither is published, so both are there for the relay.
    expect(readsIn(await fixture.events(conversationId)).map(({ number }) => number)).toEqual([1n, 2n]);
    const replayed = await fixture.log.readSession({ userId: alice.id, afterPositions: before, maxEvents: 10 });
    expect(replayed.records).toHaveLength(1);
    await publish();
    await mark(bob, conversationId, 3);
    await told(conversationId, bob, 3);
    expect(readsIn(await fixture.events(conversationId)).map(({ number }) => number)).toEqual([3n]);
    const { heads } = await fixture.log.readHeads({});
    const { throughPosition } = await fixture.log.readLog({ shard, pageSize: 1_000 });
    expect(throughPosition).toBe(heads[shard]);
  });
});

test('sends and marks at once, the event log away for a while: every position is published, once and in order', async () => {
  const { log, metrics } = silentTelemetry();
  const published: OutgoingRecord[] = [];
  let away = false;
  const relay = createRelay({
    url: fixture.url,
    source: logSource,
    producer: {
      async send(records) {
        if (away) throw new EventLogUnavailableError('away');
        published.push(...records);
        return [];
      },
      stop: () => Promise.resolve(),
    },
    owner: 'receipts',
    log,
    metrics,
  });
  const start = (await fixture.log.readHeads({})).heads;
  await fixture.db.query('insert into relay_shard (shard) select generate_series(0, 15) on conflict do nothing');
  await fixture.db.query('update relay_shard r set published = s.head from shard s where s.id = r.shard');
  relay.start();

  const stages = await Promise.all([1, 2, 3, 4, 5, 6].map(() => stage(1)));
  const deadline = performance.now() + 5_000;
  let number = 1;
  while (performance.now() < deadline) {
    away = performance.now() > deadline - 4_000 && performance.now() < deadline - 2_000;
    number++;
    await Promise.all(
      stages.flatMap(async ({ alice, bob, carol, conversationId }) => {
        await fixture.send(alice, conversationId);
        await Promise.all([mark(bob, conversationId, number), mark(carol, conversationId, number)]);
      }),
    );
  }
  for (const { conversationId, bob } of stages) await told(conversationId, bob, number);
  const heads = await until('everything is published', async () => {
    const { rows } = await fixture.db.query<{ behind: bigint }>(
      'select count(*) as behind from shard s join relay_shard r on r.shard = s.id and r.published < s.head',
    );
    return rows[0]?.behind === 0n && (await fixture.log.readHeads({})).heads;
  });
  expect(relay.problems()).toEqual([]);
  await relay.stop();
  for (let shard = 0; shard < 16; shard++) {
    const positions = published
      .filter(({ partition }) => partition === shard)
      .map(({ headers }) => BigInt(String(headers?.position)));
    const [first, last] = [start[shard] ?? 0n, heads[shard] ?? 0n];
    expect(positions).toEqual(Array.from({ length: Number(last - first) }, (_, i) => first + BigInt(i) + 1n));
  }
  const reads = published.filter(({ headers }) => headers?.type === String(LogRecordType.READ_ADVANCED));
  expect(reads.length).toBeGreaterThan(stages.length * 2 * 3);
});
