import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { CONVERSATION_EVENTS, encodeConversationRecord, type OutgoingRecord } from '@realchat/eventlog';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ActivityService } from '@realchat/gen/realchat/operations/v1/activity_service';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import { refusalOf, startKafka, type TestKafka, until } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OperationsFixture, startOperations } from './operations-fixture.ts';

let kafka: TestKafka;
let fixture: OperationsFixture;
let activity: TestClient<typeof ActivityService>;
let position = 0n;

beforeAll(async () => {
  kafka = await startKafka();
  fixture = await startOperations(kafka.broker);
  activity = createTestClient(ActivityService, fixture.service.ports.grpc, await fixture.tokenOf(fixture.operatorId));
});
afterAll(async () => {
  await fixture.stop();
  await kafka.stop();
});

function said(
  conversationId: string,
  seq: bigint,
  actorId: string,
  time: string,
  kind: 'message' | 'other' = 'message',
) {
  position += 1n;
  const change =
    kind === 'message'
      ? { case: 'messageSent' as const, value: {} }
      : { case: 'conversationUpdated' as const, value: { title: 'A title' } };
  const createTime = timestampFromDate(new Date(time));
  const place = { conversationId, seq, position, createTime, actorId };
  const event = create(ConversationEventSchema, { ...place, change } as MessageInitShape<
    typeof ConversationEventSchema
  >);
  const bytes = toBinary(ConversationEventSchema, event);
  return encodeConversationRecord({ shard: 0, conversationId, seq, position, type: 1, traceparent: '', event: bytes });
}

async function publish(...records: OutgoingRecord[]): Promise<void> {
  await fixture.eventLog.producer().send(records);
  const seen = async () => {
    const { rows } = await fixture.db.query<{ seq: bigint }>('select max(seq) as seq from activity_counted');
    return rows[0]?.seq;
  };
  await until('they are counted', seen, 20_000);
}

async function rowsOf(conversationId: string) {
  const { rows } = await fixture.db.query<{ day: string; messages: bigint; members: bigint }>(
    `select to_char(day, 'YYYY-MM-DD') as day, messages,
       (select count(*) from activity_member m where m.day = a.day and m.conversation_id = a.conversation_id) as members
     from activity a where conversation_id = $1 order by day`,
    [conversationId],
  );
  return rows.map(({ day, messages, members }) => [day, Number(messages), Number(members)]);
}

const counted = (outcome: string) => fixture.metric('realchat_activity_events_total', { outcome });

test('messages and the members who sent them are counted by day and conversation, and nothing of what was said is kept', async () => {
  const [conversation, ada, bob] = [randomUUID(), randomUUID(), randomUUID()];
  const before = await counted('counted');
  await publish(
    said(conversation, 1n, ada, '2026-11-24T10:00:00Z', 'other'),
    said(conversation, 2n, ada, '2026-11-24T23:59:59.999Z'),
    said(conversation, 3n, ada, '2026-11-25T00:00:00Z'),
    said(conversation, 4n, bob, '2026-11-25T12:00:00Z'),
    said(conversation, 5n, ada, '2026-11-25T13:00:00Z'),
  );
  await until('all are counted', async () => (await counted('counted')) === before + 5, 20_000);
  expect(await rowsOf(conversation)).toEqual([
    ['2026-11-24', 1, 1],
    ['2026-11-25', 3, 2],
  ]);
  const page = await activity.listActivity({ day: '2026-11-25' });
  expect(page.conversations).toMatchObject([{ conversationId: conversation, messages: 3n, activeMembers: 2 }]);
});

test('what comes again is not counted again: not one by one, and not from offset 0', async () => {
  const [conversation, ada] = [randomUUID(), randomUUID()];
  const records = [1n, 2n, 3n].map((seq) => said(conversation, seq, ada, '2026-10-01T10:00:00Z'));
  const [before, repeated] = [await counted('counted'), await counted('repeated')];
  await publish(...records, ...records);
  await until('all are seen', async () => (await counted('repeated')) === repeated + 3, 20_000);
  expect(await counted('counted')).toBe(before + 3);
  expect(await rowsOf(conversation)).toEqual([['2026-10-01', 3, 1]]);

  // A reader of the same code that starts at offset 0 again, as after a reset of its group's offsets.
  const all = (await counted('counted')) + (await counted('repeated'));
  const { countActivity } = await import('../consumers/activity.ts');
  let read = 0;
  const events = {
    activityCounted: (fresh: number, seen: number) => {
      expect(fresh).toBe(0);
      read += seen;
    },
  };
  const again = fixture.eventLog.consume({
    group: `again-${randomUUID()}`,
    topic: CONVERSATION_EVENTS.name,
    eachBatch: (batch) => countActivity({ pool: fixture.db, events } as never, batch),
  });
  await until('all is read again', () => read === all, 20_000);
  await again.stop();
  expect(await rowsOf(conversation)).toEqual([['2026-10-01', 3, 1]]);
});

test('a table that is made anew from offset 0 has the same numbers and members', async () => {
  const everything = `select day, conversation_id, messages, array(select user_id from activity_member m
      where m.day = a.day and m.conversation_id = a.conversation_id order by 1) as members
    from activity a order by 1, 2`;
  const before = (await fixture.db.query(everything)).rows as { members: string[] }[];
  expect(before.some(({ members }) => members.length > 1)).toBe(true);
  expect(before.length).toBeGreaterThan(2);
  await fixture.db.query('truncate activity, activity_member, activity_counted');
  const { countActivity } = await import('../consumers/activity.ts');
  const anew = fixture.eventLog.consume({
    group: `anew-${randomUUID()}`,
    topic: CONVERSATION_EVENTS.name,
    eachBatch: (batch) => countActivity({ pool: fixture.db, events: { activityCounted: () => {} } } as never, batch),
  });
  await until(
    'it is the same',
    async () => {
      const { rows } = await fixture.db.query(everything);
      return JSON.stringify(rows, text) === JSON.stringify(before, text);
    },
    20_000,
  );
  await anew.stop();
});

test('poison is set aside, the others are counted, and what comes late is counted where it belongs', async () => {
  const [conversation, ada] = [randomUUID(), randomUUID()];
  const good = [1n, 2n, 3n].map((seq) => said(conversation, seq, ada, '2026-09-01T10:00:00Z'));
  const bad = { ...(good[1] as OutgoingRecord), headers: { ...good[1]?.headers, seq: '7' } };
  await publish(good[0] as OutgoingRecord, bad, good[2] as OutgoingRecord);
  await until('the others are counted', async () => (await rowsOf(conversation))[0]?.[1] === 2, 20_000);
  const [letter] = await until(
    'the dead letter is there',
    async () => {
      const { deadLetters } = await fixture.letters.listDeadLetters({ filter: { key: conversation } });
      return deadLetters.length > 0 && deadLetters;
    },
    20_000,
  );
  expect(letter).toMatchObject({
    errorClass: 'HEADERS_DISAGREE',
    readers: ['operations.activity'],
    state: DeadLetterState.OPEN,
  });
  // What was wrong with it is mended where it comes from: the same event, late.
  await publish(good[1] as OutgoingRecord);
  await until('it is counted', async () => (await rowsOf(conversation))[0]?.[1] === 3, 20_000);
  const { rows } = await fixture.db.query(
    'select seq, gaps::text as gaps from activity_counted where conversation_id = $1',
    [conversation],
  );
  expect(rows).toEqual([{ seq: 3n, gaps: '{}' }]);
});

test('the busiest conversation comes first, page by page, each once', async () => {
  const ada = randomUUID();
  const conversations = Array.from({ length: 5 }, () => randomUUID());
  const before = await counted('counted');
  const records = conversations.flatMap((id, i) =>
    Array.from({ length: i === 4 ? 4 : i + 1 }, (_, j) => said(id, BigInt(j + 1), ada, '2026-08-01T10:00:00Z')),
  );
  await publish(...records);
  await until('all are counted', async () => (await counted('counted')) === before + records.length, 20_000);
  const found: [string, bigint][] = [];
  let pageToken = '';
  do {
    const page = await activity.listActivity({ day: '2026-08-01', pageSize: 2, pageToken });
    found.push(
      ...page.conversations.map(({ conversationId, messages }): [string, bigint] => [conversationId, messages]),
    );
    pageToken = page.nextPageToken;
  } while (pageToken);
  expect(found.map(([, messages]) => messages)).toEqual([4n, 4n, 3n, 2n, 1n]);
  expect(new Set(found.map(([id]) => id))).toEqual(new Set(conversations));
});

test('is for operators, about days that there are', async () => {
  const user = createTestClient(ActivityService, fixture.service.ports.grpc, await fixture.tokenOf(randomUUID()));
  expect(await refusalOf(user.listActivity({ day: '2026-08-01' }))).toMatchObject({ reason: 'NOT_AN_OPERATOR' });
  expect(await refusalOf(activity.listActivity({ day: '2026-02-30' }))).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'DAY_INVALID',
    fields: ['day'],
  });
  expect(await refusalOf(activity.listActivity({ day: '2026-02-28', pageToken: 'x' }))).toMatchObject({
    reason: 'PAGE_TOKEN_INVALID',
  });
});

function text(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
