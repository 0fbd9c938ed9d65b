import { createPool, type Pool } from '@realchat/db';
import { silentTelemetry, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAudit } from '../db/audit-conversation.ts';
import type { Discrepancy } from '../domain/compare-served.ts';
import { createUnreadAudit } from '../unread-audit.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

/** More than two rounds of the scheduled check read, and many pages. */
const LONG = 45_000;

let fixture: Fixture;
let pool: Pool;
let ada: User;
let bob: User;
let eve: User;

beforeAll(async () => {
  // As often as the setting allows.
  fixture = await createFixture({ UNREAD_AUDIT_SECONDS: 1 });
  pool = createPool({ url: fixture.url, size: 2, name: 'audit', ...silentTelemetry() });
  [ada, bob, eve] = (await fixture.users(3)) as [User, User, User];
});
afterAll(async () => {
  await pool?.end();
  await fixture?.stop();
});

/** A group of ada and bob that is so many messages of ada's long: one is sent, and the others are copies of it. */
async function groupOf(messages: number): Promise<string> {
  const conversationId = await fixture.group(ada, [bob]);
  await fixture.send(ada, conversationId);
  await pool.query(
    `with sent as (select * from event where conversation_id = $1 and number = 1),
     place as (update shard set head = head + $2 where id = (select shard from sent) returning head - $2 as before),
     grown as (
       update conversation set last_seq = last_seq + $2, last_number = last_number + $2, head_position = before + $2
       from place where id = $1),
     sender as (update member set sent_number = sent_number + $2 where conversation_id = $1 and user_id = $3)
     insert into event (shard, position, conversation_id, seq, number, type, event_id, create_time, body, traceparent)
     select shard, before + i, conversation_id, seq + i, number + i, type, gen_random_uuid(), create_time, body, traceparent
     from sent, place, generate_series(1, $2::bigint) i`,
    [conversationId, messages - 1, ada.id],
  );
  return conversationId;
}

/** Bob's unread count is served as so many less. */
const hide = (conversationId: string, messages: number) =>
  pool.query('update member set joined_number = joined_number + $3 where conversation_id = $1 and user_id = $2', [
    conversationId,
    bob.id,
    messages,
  ]);

async function readAll(audit: Awaited<ReturnType<typeof beginAudit>>): Promise<Discrepancy[] | undefined> {
  for (;;) {
    const { found } = (await audit?.readPage()) ?? { found: undefined };
    if (found || !audit) return found;
  }
}

test('the scheduled check goes through a conversation of more events than a round reads, and finds what differs in it', async () => {
  const conversationId = await groupOf(LONG);
  const told: (readonly Discrepancy[])[] = [];
  const audit = createUnreadAudit({
    everyMs: 10,
    pool,
    audited: (id, found) => void (id === conversationId && told.push(found)),
    failed: (error) => {
      throw error;
    },
  });
  audit.start();
  try {
    expect(await until('it was compared', () => told[0], 30_000)).toEqual([]);
    await hide(conversationId, 6);
    const found = await until('it is found', () => told.find((each) => each.length > 0), 30_000);
    expect(found).toEqual([{ kind: 'unread', userId: bob.id, served: BigInt(LONG - 6), logged: BigInt(LONG) }]);
    await hide(conversationId, -6);
    // Far behind the first page.
    await pool.query('delete from event where conversation_id = $1 and number = $2', [conversationId, LONG - 1_500]);
    await until('the gap is found', () => told.find((each) => each.some(({ kind }) => kind === 'gap')), 30_000);
  } finally {
    await audit.stop();
  }
});

test('what happens while the pages are read is no discrepancy', async () => {
  const conversationId = await groupOf(3_500);
  await bob.messages.markRead({ conversationId, number: 1_200n });
  const audit = await beginAudit(pool, conversationId);
  expect(await audit?.readPage()).toEqual({ events: 1_000 });
  await fixture.send(bob, conversationId);
  await bob.messages.markRead({ conversationId, number: 3_400n });
  await ada.conversations.addMembers({ conversationId, userIds: [eve.id] });
  await ada.conversations.removeMember({ conversationId, userId: bob.id });
  expect(await readAll(audit)).toEqual([]);
  expect(await readAll(await beginAudit(pool, conversationId))).toEqual([]);
});

test('a page that could not be read is read again, and counted once', async () => {
  const conversationId = await groupOf(2_500);
  const audit = await beginAudit(pool, conversationId);
  await audit?.readPage();
  await pool.query('alter table event rename to away');
  await expect(audit?.readPage()).rejects.toThrow('event');
  await pool.query('alter table away rename to event');
  expect(await readAll(audit)).toEqual([]);
});

test('the metric of the running service goes up when its scheduled check finds something', async () => {
  const found = async (): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${fixture.service.ports.ops}/metrics`)).text();
    const [, value = '0'] =
      /^realchat_unread_audit_discrepancies_total\{kind="joined"[^}]*\} (\d+)$/m.exec(metrics) ?? [];
    return Number(value);
  };
  const conversationId = await groupOf(1_500);
  expect(await found()).toBe(0);
  await pool.query('update member set joined_seq = joined_seq + 1 where conversation_id = $1 and user_id = $2', [
    conversationId,
    bob.id,
  ]);
  await until('it is counted', async () => (await found()) > 0, 30_000);
});
