import { createPool, type Pool } from '@realchat/db';
import { silentTelemetry, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAuditCommand } from '../audit-command.ts';
import { conversationsAfter, placeAmongConversations } from '../db/audit-conversation.ts';
import type { Discrepancy } from '../domain/compare-served.ts';
import { createUnreadAudit } from '../unread-audit.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

let fixture: Fixture;
let pool: Pool;
let ada: User;
let bob: User;
let eve: User;
let conversationId: string;

beforeAll(async () => {
  fixture = await createFixture();
  pool = createPool({ url: fixture.url, size: 2, name: 'audit', ...silentTelemetry() });
  [ada, bob, eve] = (await fixture.users(3)) as [User, User, User];
  conversationId = await fixture.group(ada, [bob]);
  // A history with all that moves a position: sends, reads, one who comes, goes and comes back.
  for (const sender of [ada, bob, ada]) await fixture.send(sender, conversationId);
  await eveComes();
  await fixture.send(eve, conversationId);
  await bob.messages.markRead({ conversationId, number: 3n });
  await eve.conversations.leaveConversation({ conversationId });
  await fixture.send(bob, conversationId);
  await eveComes();
  for (let i = 0; i < 3; i++) await fixture.send(ada, conversationId);
  await eve.messages.markRead({ conversationId, number: 7n });
  await fixture.direct(ada, bob);
});
afterAll(async () => {
  await pool.end();
  await fixture.stop();
});

function eveComes() {
  return ada.conversations.addMembers({ conversationId, userIds: [eve.id] });
}

/** What the command finds of the conversation while a statement holds, which is undone. */
async function findWith(change: string, undo: string): Promise<string[]> {
  await pool.query(change, [conversationId, bob.id]);
  try {
    const { text, discrepancies } = await runAuditCommand([conversationId], pool);
    const kinds = [...text.matchAll(/ {2}([a-z-]+) {2}served/g)].map(([, kind = '']) => kind);
    expect(kinds).toHaveLength(discrepancies);
    return [...new Set(kinds)];
  } finally {
    await pool.query(undo, [conversationId, bob.id]);
  }
}

test('what is served is what the log says, over members who come, go and read', async () => {
  expect(await runAuditCommand([], pool)).toEqual({ text: '2 conversations, 0 differ\n', discrepancies: 0 });
});

test('each way in which it could be something else is found', async () => {
  const of = 'where conversation_id = $1 and user_id = $2';
  const member = (change: string, undo: string) =>
    findWith(`update member set ${change} ${of}`, `update member set ${undo} ${of}`);
  expect(await member('joined_number = joined_number + 6', 'joined_number = joined_number - 6')).toEqual(['unread']);
  expect(await member('joined_seq = joined_seq + 1', 'joined_seq = joined_seq - 1')).toEqual(['joined']);
  expect(await member('sent_number = sent_number - 3', 'sent_number = sent_number + 3')).toContain('read-behind');
  expect(await member('sent_number = sent_number + 30', 'sent_number = sent_number - 30')).toContain('read-beyond');
  expect(await member('left_seq = 3', 'left_seq = null')).toEqual(['membership']);
  const conversation = (by: number) =>
    `update conversation set last_number = last_number + ${by} where id = $1 and $2::uuid is not null`;
  expect(await findWith(conversation(1), conversation(-1))).toEqual(['last-number', 'unread']);
  const seq = (by: number) =>
    `update conversation set last_seq = last_seq + ${by} where id = $1 and $2::uuid is not null`;
  expect(await findWith(seq(1), seq(-1))).toEqual(['last-seq']);
  expect((await runAuditCommand([], pool)).discrepancies).toBe(0);
});

test('an event that is gone is found', async () => {
  const gone = await pool.query('delete from event where conversation_id = $1 and number = 2 returning *', [
    conversationId,
  ]);
  const { text } = await runAuditCommand([conversationId], pool);
  expect(text).toMatch(/ gap {2}served 0, by the log [12]\n/);
  const row = gone.rows[0] as Record<string, unknown>;
  const names = Object.keys(row);
  await pool.query(
    `insert into event (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(row),
  );
});

test('an event that cannot be read is found, and keeps nobody from the next conversation', async () => {
  const change = (bytes: string) =>
    pool.query(`update event set body = ${bytes} where conversation_id = $1 and number = 2`, [conversationId]);
  const { rows } = await pool.query('select body from event where conversation_id = $1 and number = 2', [
    conversationId,
  ]);
  await change(`'\\xff'::bytea`);
  const { text, discrepancies } = await runAuditCommand([], pool);
  expect(discrepancies).toBe(1);
  expect(text).toMatch(/ unreadable {2}served \d+, by the log 0\n2 conversations, 1 differ\n$/);
  await change(`decode('${(rows[0] as { body: Buffer }).body.toString('hex')}', 'hex')`);
  expect((await runAuditCommand([], pool)).discrepancies).toBe(0);
});

test('instances begin at places of their own, which are among all that there are', async () => {
  const ids = (await conversationsAfter(pool, BEFORE_ALL, 10)) as [string, string];
  const places = await Promise.all(Array.from({ length: 20 }, () => placeAmongConversations(pool)));
  for (const place of places) {
    expect(place).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect([ids[0].slice(0, 13) <= String(place).slice(0, 13), String(place) <= ids[1]]).toEqual([true, true]);
  }
  expect(new Set(places).size).toBeGreaterThan(1);
});

test('the scheduled check goes through all conversations, again and again, and tells what it finds', async () => {
  const told = new Map<string, (readonly Discrepancy[])[]>();
  const audit = createUnreadAudit({
    everyMs: 10,
    pool,
    audited: (id, found) => void told.set(id, [...(told.get(id) ?? []), found]),
    failed: (error) => {
      throw error;
    },
  });
  audit.start();
  await until(
    'each was compared twice',
    () => told.size === 2 && [...told.values()].every(({ length }) => length >= 2),
  );
  await pool.query('update member set joined_number = joined_number + 6 where conversation_id = $1 and user_id = $2', [
    conversationId,
    bob.id,
  ]);
  const found = await until('it is found', () => told.get(conversationId)?.find((each) => each.length > 0));
  expect(found).toMatchObject([{ kind: 'unread', userId: bob.id }]);
  await audit.stop();
  await pool.query('update member set joined_number = joined_number - 6 where conversation_id = $1 and user_id = $2', [
    conversationId,
    bob.id,
  ]);
});

test('the command says what it does not know', async () => {
  await expect(runAuditCommand(['everything'], pool)).rejects.toThrow('usage');
  await expect(runAuditCommand(['00000000-0000-4000-8000-000000000000'], pool)).rejects.toThrow('no conversation');
});
