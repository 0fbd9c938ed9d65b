import { create, fromBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import type { Client } from '@realchat/db';
import { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import { refusalOf } from '@realchat/testkit';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

const [alice, bob, carol, mallory] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()] as const;

let fixture: Fixture;
let db: Client;
let log: Fixture['log'];
const conversationsOf = new Map<string, User['conversations']>();
const messagesOf = new Map<string, User['messages']>();

beforeAll(async () => {
  fixture = await createFixture();
  ({ db, log } = fixture);
  for (const id of [alice, bob, carol, mallory]) {
    const user = await fixture.user(id);
    conversationsOf.set(id, user.conversations);
    messagesOf.set(id, user.messages);
  }
});

afterAll(() => fixture.stop());

beforeEach(() => {
  fixture.accountsAway = false;
});

describe('CreateConversation', () => {
  test('makes a group owned by its maker, with everyone from seq 1 on', async () => {
    const group = await makeGroup('Tea', [bob, carol]);
    expect(group).toMatchObject({
      kind: ConversationKind.GROUP,
      title: 'Tea',
      memberCount: 3,
      lastSeq: 1n,
      lastNumber: 0n,
    });
    expect(group).toMatchObject({ role: MemberRole.OWNER, joinedSeq: 1n });
    expect(await get(bob, group.conversationId)).toMatchObject({ role: MemberRole.MEMBER, joinedSeq: 1n });
  });

  test('a direct conversation is one per pair, whoever opens it, even at once', async () => {
    const opened = await Promise.all([
      ...Array.from({ length: 5 }, () => openDirect(alice, bob)),
      ...Array.from({ length: 5 }, () => openDirect(bob, alice)),
    ]);
    expect(new Set(opened.map((each) => each.conversationId)).size).toBe(1);
    expect(opened[0]).toMatchObject({ kind: ConversationKind.DIRECT, peerId: bob, title: '', memberCount: 2 });
    expect(opened[9]).toMatchObject({ peerId: alice });
  });

  test('a repeat with the same request_id makes nothing new; another request under it is refused', async () => {
    const requestId = uuidv7();
    const made = await Promise.all(Array.from({ length: 5 }, () => makeGroup('Once', [bob], requestId)));
    expect(new Set(made.map((each) => each.conversationId)).size).toBe(1);
    expect(await refusalOf(makeGroup('Twice', [bob], requestId))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'REQUEST_ID_REUSED',
      fields: ['request_id'],
    });
  });

  test('a user who does not exist is named, and nothing is made', async () => {
    const before = await countConversations();
    expect(await refusalOf(makeGroup('Ghosts', [bob, fixture.unknownUser]))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'USER_NOT_FOUND',
      metadata: { user_id: fixture.unknownUser },
    });
    expect(await countConversations()).toBe(before);
  });

  test('auth away is UNAVAILABLE, and nothing is made', async () => {
    fixture.accountsAway = true;
    const before = await countConversations();
    expect(await refusalOf(makeGroup('Later', [bob]))).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 });
    expect(await countConversations()).toBe(before);
  });

  test('S-10: with oneself, or with too many, is refused by field', async () => {
    expect(await refusalOf(openDirect(alice, alice))).toMatchObject({
      reason: 'CONVERSATION_WITH_SELF',
      fields: ['direct.user_id'],
    });
    const many = Array.from({ length: 1_000 }, () => uuidv7());
    expect(await refusalOf(makeGroup('Many', many))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['group.member_ids'],
    });
    expect(await refusalOf(makeGroup('Twins', [bob, bob]))).toMatchObject({ fields: ['group.member_ids'] });
  });
});

describe('GetConversation and ListConversations', () => {
  test('S-02: a stranger gets the same answer as for a conversation that does not exist', async () => {
    const group = await makeGroup('Private', [bob]);
    const stranger = await refusalOf(get(mallory, group.conversationId));
    const absent = await refusalOf(get(mallory, uuidv7()));
    expect(stranger).toEqual(absent);
    expect(stranger).toMatchObject({ code: 'NOT_FOUND', reason: 'CONVERSATION_NOT_FOUND' });
  });

  test('pages hold each conversation once, newest first, and only the caller’s own', async () => {
    for (let i = 0; i < 5; i++) await makeGroup(`Page ${i}`, [carol]);
    const all: string[] = [];
    let pageToken = '';
    do {
      const page = await client(conversationsOf, carol).listConversations({ pageSize: 2, pageToken });
      expect(page.conversations.length).toBeLessThanOrEqual(2);
      all.push(...page.conversations.map((each) => each.title));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(all.slice(0, 5)).toEqual(['Page 4', 'Page 3', 'Page 2', 'Page 1', 'Page 0']);
    expect(new Set(all).size).toBe(all.length);
    expect((await client(conversationsOf, mallory).listConversations({})).conversations).toEqual([]);
  });

  test('S-09: a page token of no list and a page size out of bounds are refused by field', async () => {
    const list = client(conversationsOf, alice).listConversations;
    expect(await refusalOf(list({ pageToken: 'forged' }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
      fields: ['page_token'],
    });
    for (const pageSize of [-1, 201, 1_000_000_000]) {
      expect(await refusalOf(list({ pageSize }))).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['page_size'] });
    }
  });
});

describe('SendMessage', () => {
  test('answers with the message as stored, with gapless seq and number', async () => {
    const { conversationId } = await makeGroup('Numbers', [bob]);
    const sent = [
      await send(alice, conversationId, 'one'),
      await send(bob, conversationId, 'two'),
      await send(alice, conversationId, 'three'),
    ];
    expect(sent.map(({ seq, number }) => [seq, number])).toEqual([
      [2n, 1n],
      [3n, 2n],
      [4n, 3n],
    ]);
    expect(sent[1]).toMatchObject({ conversationId, senderId: bob, content: { case: 'text', value: 'two' } });
    expect(await get(alice, conversationId)).toMatchObject({ lastSeq: 4n, lastNumber: 3n });
  });

  test('S-61: a repeat, in parallel or later, is the same message; another text under its key is refused', async () => {
    const { conversationId } = await makeGroup('Repeats', [bob]);
    const key = uuidv7();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(alice, conversationId, 'once', key)));
    answers.push(await send(alice, conversationId, 'once', key));
    expect(
      new Set(answers.map((message) => `${message.messageId}/${message.seq}/${message.createTime?.nanos}`)).size,
    ).toBe(1);
    expect(await refusalOf(send(alice, conversationId, 'other', key))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'CLIENT_MESSAGE_ID_REUSED',
      fields: ['client_message_id'],
    });
    expect(await get(alice, conversationId)).toMatchObject({ lastNumber: 1n });
  });

  test('S-62: the same key of another user is another message', async () => {
    const { conversationId } = await makeGroup('Keys', [bob]);
    const [one, two] = [
      await send(alice, conversationId, 'same', 'key'),
      await send(bob, conversationId, 'same', 'key'),
    ];
    expect(two?.seq).toBe((one?.seq ?? 0n) + 1n);
  });

  test('S-62: the same key of another device of the user is another message', async () => {
    const { conversationId } = await makeGroup('Devices', [bob]);
    const one = await send(alice, conversationId, 'from the phone', 'devices');
    const laptop = await fixture.user(alice, 'laptop');
    const content = { case: 'text' as const, value: 'from the laptop' };
    const { message: two } = await laptop.messages.sendMessage({ conversationId, clientMessageId: 'devices', content });
    expect(two?.seq).toBe((one?.seq ?? 0n) + 1n);
    expect(two?.messageId).not.toBe(one?.messageId);
  });

  test('S-02: a stranger’s send is answered as for an absent conversation, and stores nothing', async () => {
    const { conversationId } = await makeGroup('Closed', [bob]);
    const stranger = await refusalOf(send(mallory, conversationId, 'let me in'));
    expect(stranger).toEqual(await refusalOf(send(mallory, uuidv7(), 'let me in')));
    expect(stranger).toMatchObject({ code: 'NOT_FOUND', reason: 'CONVERSATION_NOT_FOUND' });
    expect(await get(alice, conversationId)).toMatchObject({ lastNumber: 0n });
  });

  test('S-04: what a sender adds about the message itself is not taken', async () => {
    const { conversationId } = await makeGroup('Wishes', [bob]);
    const text = { case: 'text' as const, value: 'mine' };
    const request = create(SendMessageRequestSchema, { conversationId, clientMessageId: uuidv7(), content: text });
    const bytes = (value: string) => Buffer.from([value.length, ...Buffer.from(value)]);
    // By the numbers that Message has for them: seq, number and sender_id.
    request.$unknown = [
      { no: 3, wireType: WireType.Varint, data: Uint8Array.of(77) },
      { no: 4, wireType: WireType.Varint, data: Uint8Array.of(77) },
      { no: 5, wireType: WireType.LengthDelimited, data: bytes(mallory) },
    ];
    const { message } = (await messagesOf.get(alice)?.sendMessage(request)) ?? {};
    expect(message).toMatchObject({ seq: 2n, number: 1n, senderId: alice, content: text });
    const listed = await messagesOf.get(bob)?.listMessages({ conversationId });
    expect(listed?.messages[0]).toMatchObject({ seq: 2n, number: 1n, senderId: alice });
  });

  test('an id in upper case is the same conversation', async () => {
    const { conversationId } = await makeGroup('Case', [bob]);
    expect(await send(alice, conversationId.toUpperCase(), 'shout')).toMatchObject({ conversationId, seq: 2n });
  });

  test('S-53, S-55: text comes back exactly as it was sent', async () => {
    const { conversationId } = await makeGroup('Text', []);
    const texts = [
      "'; drop table event; --",
      '<script>alert(1)</script>',
      '\u202eright to left\u200b',
      '🙂'.repeat(4_000),
      'line\r\nline',
      '%_\\',
    ];
    for (const text of texts) await send(alice, conversationId, text);
    const { messages } = await client(messagesOf, alice).listMessages({ conversationId });
    expect(messages.map((message) => message.content.value)).toEqual(texts);
  });

  test.each([
    ['an empty text', ''],
    ['8,001 characters', 'x'.repeat(8_001)],
    ['a NUL', 'a\u0000b'],
  ])('%s is refused by field', async (_name, text) => {
    const { conversationId } = await makeGroup('Limits', []);
    expect(await refusalOf(send(alice, conversationId, text))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['text'],
    });
  });
});

describe('ListMessages', () => {
  test('pages both ways without gap or overlap, and says how far it covers', async () => {
    const { conversationId } = await makeGroup('History', [bob]);
    for (let i = 1; i <= 7; i++) await send(alice, conversationId, `m${i}`);
    const list = client(messagesOf, bob).listMessages;

    const newest = await list({ conversationId, pageSize: 3 });
    expect(newest.messages.map(text)).toEqual(['m5', 'm6', 'm7']);
    expect(newest).toMatchObject({ hasMore: true, fromSeq: 6n, throughSeq: 8n });
    const older = await list({ conversationId, pageSize: 10, from: { case: 'beforeSeq', value: newest.fromSeq } });
    expect(older.messages.map(text)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(older).toMatchObject({ hasMore: false, fromSeq: 1n, throughSeq: 5n });

    const forward = await list({ conversationId, pageSize: 4, from: { case: 'afterSeq', value: 0n } });
    expect(forward.messages.map(text)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(forward).toMatchObject({ hasMore: true, fromSeq: 1n, throughSeq: 5n });
    const rest = await list({ conversationId, pageSize: 4, from: { case: 'afterSeq', value: forward.throughSeq } });
    expect(rest.messages.map(text)).toEqual(['m5', 'm6', 'm7']);
    expect(rest).toMatchObject({ hasMore: false, fromSeq: 6n, throughSeq: 8n });
    const end = await list({ conversationId, from: { case: 'afterSeq', value: 8n } });
    expect(end).toMatchObject({ messages: [], hasMore: false, throughSeq: 8n });
  });

  test('S-12: a member sees what lies within the stints, not before, between or after', async () => {
    const { conversationId } = await makeGroup('Stints', [bob]);
    for (let i = 1; i <= 6; i++) await send(alice, conversationId, `m${i}`);
    // Bob was there for m1 and m2 (seq 2, 3), away for m3 and m4, and is back for m5 and m6.
    await db.query('update member set left_seq = 3 where conversation_id = $1 and user_id = $2', [conversationId, bob]);
    await db.query('insert into member (conversation_id, user_id, joined_seq, role) values ($1, $2, 6, 1)', [
      conversationId,
      bob,
    ]);
    const list = client(messagesOf, bob).listMessages;
    expect((await list({ conversationId })).messages.map(text)).toEqual(['m1', 'm2', 'm5', 'm6']);
    await db.query('update member set left_seq = 6 where conversation_id = $1 and user_id = $2 and joined_seq = 6', [
      conversationId,
      bob,
    ]);
    const left = await list({ conversationId });
    expect(left.messages.map(text)).toEqual(['m1', 'm2', 'm5']);
    expect(left.throughSeq).toBe(6n);
    expect(await refusalOf(send(bob, conversationId, 'after leaving'))).toMatchObject({
      reason: 'CONVERSATION_NOT_FOUND',
    });
  });

  test('S-02: a stranger gets the same answer as for a conversation that does not exist', async () => {
    const { conversationId } = await makeGroup('Unseen', [bob]);
    const list = client(messagesOf, mallory).listMessages;
    expect(await refusalOf(list({ conversationId }))).toEqual(await refusalOf(list({ conversationId: uuidv7() })));
  });

  test('a page ends before it grows over its bytes', async () => {
    const { conversationId } = await makeGroup('Large', []);
    const large = '漢'.repeat(7_999);
    await Promise.all(Array.from({ length: 50 }, () => send(alice, conversationId, large)));
    const page = await client(messagesOf, alice).listMessages({ conversationId, pageSize: 200 });
    expect(page.messages.length).toBeLessThan(50);
    expect(page.hasMore).toBe(true);
  });
});

describe('LogService', () => {
  test('the log of a shard is gapless and carries whole events with their trace', async () => {
    const { conversationId } = await makeGroup('Log', [bob]);
    await send(alice, conversationId, 'logged');
    const { heads } = await log.readHeads({});
    expect(heads).toHaveLength(16);
    const records = (await Promise.all(heads.map((_head, shard) => log.readLog({ shard, pageSize: 1_000 })))).map(
      (piece, shard) => {
        expect(piece.throughPosition).toBe(heads[shard]);
        expect(piece.records.map((record) => record.position)).toEqual(
          piece.records.map((_record, i) => BigInt(i + 1)),
        );
        return piece.records;
      },
    );
    const mine = records.flat().filter((record) => record.conversationId === conversationId);
    expect(mine.map((record) => [record.seq, record.type])).toEqual([
      [1n, LogRecordType.CONVERSATION_CREATED],
      [2n, LogRecordType.MESSAGE_SENT],
    ]);
    expect(mine[1]?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const event = fromBinary(ConversationEventSchema, mine[1]?.event ?? new Uint8Array());
    expect(event).toMatchObject({
      conversationId,
      seq: 2n,
      position: mine[1]?.position,
      change: { case: 'messageSent' },
    });
  });

  test('a session’s snapshot has its conversations, the heads, and what was missed and may be seen', async () => {
    const user = uuidv7();
    const before = (await log.readHeads({})).heads;
    const { conversationId } = await makeGroup('Session', [user]);
    const sent = await send(alice, conversationId, 'missed');
    const snapshot = await log.readSession({ userId: user, afterPositions: before, maxEvents: 100 });
    expect(snapshot.conversationIds).toEqual([conversationId]);
    expect(snapshot.records.map((record) => record.seq)).toEqual([1n, sent.seq]);
    expect((await log.readSession({ userId: user, afterPositions: snapshot.heads, maxEvents: 100 })).records).toEqual(
      [],
    );
    expect((await log.readSession({ userId: user, maxEvents: 100 })).records).toEqual([]);
    expect((await log.readSession({ userId: mallory, afterPositions: before, maxEvents: 100 })).records).toEqual([]);
  });

  test('more than may be replayed is said, not cut', async () => {
    const user = uuidv7();
    const before = (await log.readHeads({})).heads;
    await makeGroup('Backlog', [user]);
    await makeGroup('Backlog 2', [user]);
    expect(await refusalOf(log.readSession({ userId: user, afterPositions: before, maxEvents: 1 }))).toMatchObject({
      code: 'OUT_OF_RANGE',
      reason: 'BACKLOG_TOO_LARGE',
    });
  });

  test('S-60: more bytes than may be replayed is said too, and not read first', async () => {
    const user = uuidv7();
    const before = (await log.readHeads({})).heads;
    const { conversationId } = await makeGroup('Heavy backlog', [user]);
    for (const text of ['one', 'two', 'three']) await send(alice, conversationId, text);
    const missed = { userId: user, afterPositions: before, maxEvents: 100 };
    expect((await log.readSession(missed)).records.length).toBe(4);
    await db.query("update event set body = decode(repeat('00', 2097152), 'hex') where conversation_id = $1", [
      conversationId,
    ]);
    expect(await refusalOf(log.readSession(missed))).toMatchObject({ reason: 'BACKLOG_TOO_LARGE' });
  });
});

test('the database gone: calls are UNAVAILABLE, the process lives, and the retry is stored once', async () => {
  const { conversationId } = await makeGroup('Outage', [bob]);
  const key = uuidv7();
  await send(alice, conversationId, 'before');
  await db.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  const retried = await untilAnswered(() => send(alice, conversationId, 'through', key));
  const again = await send(alice, conversationId, 'through', key);
  expect(again.seq).toBe(retried.seq);
  expect(await get(alice, conversationId)).toMatchObject({ lastNumber: 2n });
});

function client<T>(clients: Map<string, T>, user: string): T {
  const found = clients.get(user);
  if (!found) throw new Error(`no client for ${user}`);
  return found;
}

async function makeGroup(title: string, memberIds: string[], requestId = '') {
  const request = { conversation: { case: 'group', value: { title, memberIds } }, requestId } as const;
  return made(await client(conversationsOf, alice).createConversation(request));
}

async function openDirect(from: string, userId: string) {
  const request = { conversation: { case: 'direct', value: { userId } } } as const;
  return made(await client(conversationsOf, from).createConversation(request));
}

async function get(user: string, conversationId: string) {
  return made(await client(conversationsOf, user).getConversation({ conversationId }));
}

async function send(user: string, conversationId: string, value: string, clientMessageId: string = uuidv7()) {
  const request = { conversationId, clientMessageId, content: { case: 'text', value } } as const;
  const { message } = await client(messagesOf, user).sendMessage(request);
  if (!message) throw new Error('no message in the answer');
  return message;
}

function made<T>(response: { conversation?: T }): T {
  if (!response.conversation) throw new Error('no conversation in the answer');
  return response.conversation;
}

function text(message: { content: { value?: string } }): string | undefined {
  return message.content.value;
}

async function countConversations(): Promise<bigint> {
  const { rows } = await db.query<{ count: bigint }>('select count(*) from conversation');
  return rows[0]?.count ?? 0n;
}

/** As every client does: the same key until there is an answer. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      expect(await refusalOf(Promise.reject(error))).toMatchObject({ code: 'UNAVAILABLE' });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
