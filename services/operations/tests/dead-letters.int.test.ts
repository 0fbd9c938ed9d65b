import { randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  ACCOUNT_EVENTS,
  deadLetterTopicOf,
  type EventRecord,
  type GroupReader,
  type OutgoingRecord,
  PoisonError,
  schemaVersionOf,
} from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { type DeadLetter, DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import {
  DeadLetterService,
  ReplayOrder,
  ReplayResult,
  type WatchDeadLettersResponse,
  WatchDeadLettersResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { refusalOf, startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grantOperator, revokeOperator } from '../db/operators.ts';
import { type OperationsFixture, startOperations } from './operations-fixture.ts';

const TOPIC = ACCOUNT_EVENTS.name;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const { OPEN, REPLAYED, DISCARDED } = DeadLetterState;

let kafka: TestKafka;
let fixture: OperationsFixture;
let reader: GroupReader;
/** What the reader cannot handle now, by key. */
const broken = new Set<string>();
const handled: EventRecord[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  fixture = await startOperations(kafka.broker);
  // A consumer with a bug for some keys.
  reader = fixture.eventLog.consume({
    group: 'buggy',
    topic: TOPIC,
    maxAttempts: 2,
    retry: { minMs: 5, maxMs: 20 },
    eachRecord: async (record) => {
      const key = textOf(record.key);
      if (key === 'poison') throw new PoisonError('UNDECODABLE', 'the value is not an AccountEvent');
      if (broken.has(key)) throw new TypeError('a bug');
      handled.push(record);
    },
  });
  await until('the reader is there', () => reader.connected, 30_000);
});
afterAll(async () => {
  await reader.stop();
  await fixture.stop();
  await kafka.stop();
});

function textOf(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString();
}

function eventOf(username: string, position = 1n): Uint8Array {
  const change = { case: 'registered', value: { username } } as const;
  const event = { userId: randomUUID(), position, createTime: timestampFromMs(1_764_000_000_000), change };
  return toBinary(AccountEventSchema, create(AccountEventSchema, event));
}

async function publish(
  key: string | null,
  value: Uint8Array | null = eventOf('marigold'),
  more: Partial<OutgoingRecord> = {},
) {
  const headers = { traceparent: TRACEPARENT, schema: schemaVersionOf(TOPIC) };
  const [place] = await fixture.eventLog
    .producer()
    .send([{ topic: TOPIC, partition: 0, key, value, headers, ...more }]);
  return `${TOPIC}/${more.partition ?? 0}/${place?.baseOffset}`;
}

async function letterOf(id: string): Promise<DeadLetter | undefined> {
  const answer = await fixture.letters.getDeadLetter({ deadLetterId: id }).catch(() => undefined);
  return answer?.deadLetter;
}

function letterInState(id: string, state: DeadLetterState): Promise<DeadLetter> {
  return until(
    `${id} is in state ${state}`,
    async () => {
      const letter = await letterOf(id);
      return letter?.state === state ? letter : undefined;
    },
    20_000,
  );
}

const replay = (ids: string[], more: { dryRun?: boolean; outOfOrder?: boolean } = {}) =>
  fixture.letters.replayDeadLetters({ selection: { case: 'ids', value: { ids } }, ...more });

describe('who may', () => {
  test('nobody but an operator, and an operator until the role is taken back', async () => {
    const userId = randomUUID();
    const user = fixture.as(await fixture.tokenOf(userId));
    const id = `${TOPIC}/0/0`;
    const calls = [
      () => user.listDeadLetters({}),
      () => user.getDeadLetter({ deadLetterId: id }),
      () => user.replayDeadLetters({ selection: { case: 'filter', value: {} } }),
      () => user.discardDeadLetters({ ids: [id], reason: 'none' }),
    ];
    const before = await fixture.db.query('select 1 from operator_action');
    for (const call of calls) {
      expect(await refusalOf(call())).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'NOT_AN_OPERATOR' });
    }
    expect((await fixture.db.query('select 1 from operator_action')).rowCount).toBe(before.rowCount);
    expect(await refusalOf(fixture.as(undefined).listDeadLetters({}))).toMatchObject({ reason: 'TOKEN_MISSING' });

    await grantOperator(fixture.db, userId, 'a test');
    expect((await user.listDeadLetters({})).deadLetters).toBeDefined();
    await revokeOperator(fixture.db, userId, 'a test');
    expect(await refusalOf(user.listDeadLetters({}))).toMatchObject({ reason: 'NOT_AN_OPERATOR' });
  });
});

describe('a dead letter', () => {
  test('is listed with why, when and where, and never with what it holds', async () => {
    const key = randomUUID();
    broken.add(key);
    const id = await publish(key, eventOf('a-secret-name'));
    const letter = await letterInState(id, OPEN);
    expect(letter).toMatchObject({
      deadLetterId: id,
      topic: TOPIC,
      key,
      readers: ['buggy'],
      errorClass: 'TypeError',
      attempts: 2,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      schemaVersion: schemaVersionOf(TOPIC),
      replays: 0,
      failedOffset: letter.offset,
    });
    const { deadLetters } = await fixture.letters.listDeadLetters({ filter: { key } });
    expect(deadLetters).toEqual([letter]);
    expect(
      JSON.stringify(deadLetters, (_name, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toMatch(/secret/);
    const { rows } = await fixture.db.query('select * from dead_letter where key_text = $1', [key]);
    expect(JSON.stringify(rows, (_name, value) => (typeof value === 'bigint' ? String(value) : value))).not.toMatch(
      /secret/,
    );
    expect(JSON.stringify(fixture.lines)).not.toMatch(/secret/);
  });

  test('is shown with its record, decoded by today’s schema, and with what differs from the one it was written with', async () => {
    const key = randomUUID();
    broken.add(key);
    // Field 99 of a newer schema, a string.
    const newer = Buffer.concat([eventOf('marigold'), Buffer.from([0x9a, 0x06, 0x02, 0x68, 0x69])]);
    const id = await publish(key, newer, { headers: { schema: '1.9', twice: ['one', 'two'] } });
    await letterInState(id, OPEN);
    const { record } = await fixture.letters.getDeadLetter({ deadLetterId: id });
    expect(Buffer.from(record?.value ?? [])).toEqual(newer);
    expect(JSON.parse(record?.decodedJson ?? '')).toMatchObject({ registered: { username: 'marigold' } });
    expect(record).toMatchObject({ decodeProblem: '', unknownFields: ['AccountEvent: 99'], fieldsAddedSince: [] });
    expect(record?.headers.map(({ name, value }) => [name, textOf(value)])).toEqual([
      ['schema', '1.9'],
      ['twice', 'one'],
      ['twice', 'two'],
    ]);
    // As if all that the event has had come later.
    const older = await publish(key, eventOf('marigold'), { headers: { schema: '1.0' } });
    await letterInState(older, OPEN);
    const ofOlder = await fixture.letters.getDeadLetter({ deadLetterId: older });
    expect(ofOlder.record?.fieldsAddedSince).toContain('AccountRegistered.username');
    const none = await publish('poison', null);
    const garbage = await publish('poison', Buffer.from('not an event at all'));
    await Promise.all([none, garbage].map((each) => letterInState(each, OPEN)));
    const ofNone = await fixture.letters.getDeadLetter({ deadLetterId: none });
    expect(ofNone.record).toMatchObject({ valueProblem: 'NONE', decodedJson: '' });
    const ofGarbage = await fixture.letters.getDeadLetter({ deadLetterId: garbage });
    expect(ofGarbage.record).toMatchObject({
      decodedJson: '',
      decodeProblem: 'the value is not a realchat.auth.v1.AccountEvent',
    });
    expect(ofGarbage.deadLetter).toMatchObject({
      errorClass: 'UNDECODABLE',
      errorMessage: 'the value is not an AccountEvent',
    });
    const unknown = await refusalOf(fixture.letters.getDeadLetter({ deadLetterId: `${TOPIC}/3/999` }));
    expect(unknown).toMatchObject({ code: 'NOT_FOUND', reason: 'DEAD_LETTER_NOT_FOUND' });
  });

  test('is found by topic, class, key, state and time, page by page, each once', async () => {
    const keys = Array.from({ length: 5 }, () => randomUUID());
    for (const key of keys) broken.add(key);
    const since = timestampFromDate(new Date());
    const ids: string[] = [];
    for (const key of keys) ids.push(await publish(key));
    await Promise.all(ids.map((id) => letterInState(id, OPEN)));
    const found: string[] = [];
    const filter = { topic: TOPIC, errorClass: 'TypeError', state: OPEN, since };
    let pageToken = '';
    do {
      const page = await fixture.letters.listDeadLetters({ filter, pageSize: 2, pageToken });
      expect(page.deadLetters.length).toBeLessThanOrEqual(2);
      found.push(...page.deadLetters.map(({ deadLetterId }) => deadLetterId));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(found).toEqual(ids.toReversed());
    const count = async (more: object) =>
      (await fixture.letters.listDeadLetters({ filter: { ...filter, ...more } })).deadLetters.length;
    expect(await count({ key: keys[2] })).toBe(1);
    expect(await count({ topic: 'another' })).toBe(0);
    expect(await count({ errorClass: 'UNDECODABLE' })).toBe(0);
    expect(await count({ state: DISCARDED })).toBe(0);
    expect(await count({ until: since })).toBe(0);
    for (const bad of ['x', Buffer.from('[1,2,3,4]').toString('base64url'), `${'A'.repeat(40)}`]) {
      expect(await refusalOf(fixture.letters.listDeadLetters({ pageToken: bad }))).toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
        fields: ['page_token'],
      });
    }
  });

  test('is indexed once, however often its topic is read', async () => {
    const key = randomUUID();
    broken.add(key);
    const id = await publish(key);
    const letter = await letterInState(id, OPEN);
    const dlq = deadLetterTopicOf(TOPIC);
    const [place] = await fixture.db
      .query<{ dlq_offset: bigint }>('select dlq_offset from dead_letter where key_text = $1', [key])
      .then(({ rows }) => rows);
    const record = await fixture.eventLog.fetching((fetcher) => fetcher.at(dlq, 0, place?.dlq_offset ?? 0n));
    if (!record) throw new Error('it is kept');
    // Another reader of the same topic sets the same record aside.
    const headers = { ...record.headers.toOutgoing(), 'dlq-reader': 'another' };
    await fixture.eventLog
      .producer()
      .send([{ topic: dlq, partition: 0, key: record.key, value: record.value, headers }]);
    const both = await until('both are known', async () => {
      const now = await letterOf(id);
      return now?.readers.length === 2 && now;
    });
    expect(both).toMatchObject({ ...letter, readers: ['another', 'buggy'] });
    expect((await fixture.letters.listDeadLetters({ filter: { key } })).deadLetters).toHaveLength(1);
  });

  test('that is none is counted, and those behind it are read', async () => {
    await fixture.eventLog
      .producer()
      .send([{ topic: deadLetterTopicOf(TOPIC), partition: 0, key: 'x', value: Buffer.from('x') }]);
    const id = await publish('poison');
    await letterInState(id, OPEN);
    expect(await fixture.metric('realchat_dead_letters_indexed_total', { outcome: 'unreadable' })).toBe(1);
  });

  test('is measured by topic and class', async () => {
    const id = await publish('poison', Buffer.from('x'));
    await letterInState(id, OPEN);
    const labels = { topic: TOPIC, class: 'UNDECODABLE' };
    await until('it is measured', async () => (await fixture.metric('realchat_dead_letters_open', labels)) > 0);
    expect(await fixture.metric('realchat_dead_letters_oldest_seconds', labels)).toBeGreaterThan(0);
  });
});

describe('a replay', () => {
  test('appends the record as it was, once, however often it is asked for', async () => {
    const key = randomUUID();
    broken.add(key);
    const value = eventOf('marigold');
    const id = await publish(key, value);
    await letterInState(id, OPEN);
    broken.delete(key);

    const dry = await replay([id], { dryRun: true });
    expect(dry.outcomes).toMatchObject([
      { deadLetterId: id, result: ReplayResult.WOULD_REPLAY, order: ReplayOrder.KEPT },
    ]);
    expect((await letterOf(id))?.state).toBe(OPEN);
    const [outcome] = (await replay([id])).outcomes;
    expect(outcome).toMatchObject({ result: ReplayResult.REPLAYED, order: ReplayOrder.KEPT });
    const ofKey = () => handled.filter((record) => textOf(record.key) === key);
    const copy = await until('it is handled', () => ofKey()[0]);
    expect(copy).toMatchObject({ partition: 0, offset: outcome?.newOffset });
    expect(Buffer.from(copy.value ?? [])).toEqual(Buffer.from(value));
    expect(copy.headers.text('traceparent')).toBe(TRACEPARENT);

    const again = await Promise.all([replay([id]), replay([id])]);
    expect(again.flatMap(({ outcomes }) => outcomes.map(({ result }) => result))).toEqual([
      ReplayResult.NOT_OPEN,
      ReplayResult.NOT_OPEN,
    ]);
    expect(await letterInState(id, REPLAYED)).toMatchObject({ replays: 1, operatorId: fixture.operatorId });
    const marker = await publish(key);
    await until('what is behind is handled', () => ofKey().some(({ offset }) => marker.endsWith(`/${offset}`)));
    expect(ofKey()).toHaveLength(2);
  });

  test('that fails again opens the same dead letter, with its history; a failure of before opens nothing', async () => {
    const key = randomUUID();
    broken.add(key);
    const id = await publish(key);
    const first = await letterInState(id, OPEN);
    const [outcome] = (await replay([id])).outcomes;
    const second = await until(
      'it is back',
      async () => {
        const now = await letterOf(id);
        return now?.state === OPEN && now.replays === 1 && now;
      },
      20_000,
    );
    expect(second).toMatchObject({
      attempts: 4,
      firstAttemptTime: first.firstAttemptTime,
      recordTime: first.recordTime,
      offset: first.offset,
      failedOffset: outcome?.newOffset,
    });
    broken.delete(key);
    await replay([id]);
    await letterInState(id, REPLAYED);
    // The failure of the first replay is told once more, by a reader that was slow.
    const dlq = deadLetterTopicOf(TOPIC);
    const { rows } = await fixture.db.query<{ dlq_offset: bigint }>(
      'select dlq_offset from dead_letter where key_text = $1',
      [key],
    );
    const late = await fixture.eventLog.fetching((fetcher) => fetcher.at(dlq, 0, rows[0]?.dlq_offset ?? 0n));
    if (!late) throw new Error('it is kept');
    await fixture.eventLog
      .producer()
      .send([{ topic: dlq, partition: 0, key: late.key, value: late.value, headers: late.headers.toOutgoing() }]);
    await until('it is read', async () => {
      const now = await fixture.db.query<{ dlq_offset: bigint }>(
        'select dlq_offset from dead_letter where key_text = $1',
        [key],
      );
      return (now.rows[0]?.dlq_offset ?? 0n) > (rows[0]?.dlq_offset ?? 0n);
    });
    expect(await letterOf(id)).toMatchObject({ state: REPLAYED, replays: 2, attempts: 4 });
  });

  test('keeps the order within a key: an earlier dead letter comes first, and later ones wait for it', async () => {
    const key = randomUUID();
    broken.add(key);
    const ids = [await publish(key), await publish(key), await publish(key)];
    const [first = '', second = '', third = ''] = ids;
    await Promise.all(ids.map((id) => letterInState(id, OPEN)));
    broken.delete(key);
    const last = await publish(key);
    const ofKey = () => handled.filter((record) => textOf(record.key) === key).map(({ offset }) => offset);
    await until('the last one is handled', () => ofKey().length === 1);

    const [held] = (await replay([second])).outcomes;
    expect(held).toMatchObject({ result: ReplayResult.HELD_BACK, order: ReplayOrder.UNSPECIFIED });
    expect(held?.detail).toContain(first);
    const { outcomes, hasMore } = await fixture.letters.replayDeadLetters({
      selection: { case: 'filter', value: { key } },
      maxCount: 2,
    });
    expect(hasMore).toBe(true);
    expect(outcomes.map(({ deadLetterId, result, order }) => [deadLetterId, result, order])).toEqual([
      [first, ReplayResult.REPLAYED, ReplayOrder.OVERTAKEN],
      [second, ReplayResult.REPLAYED, ReplayOrder.OVERTAKEN],
    ]);
    const rest = await fixture.letters.replayDeadLetters({ selection: { case: 'filter', value: { key } } });
    expect(rest).toMatchObject({ hasMore: false, outcomes: [{ deadLetterId: third }] });
    await until('all are handled', () => ofKey().length === 4);
    expect(ofKey()).toEqual(ofKey().toSorted((a, b) => Number(a - b)));
    expect(ofKey()[0]).toBe(BigInt(last.split('/').at(-1) ?? 0));
  });

  test('can be made out of order where that is wanted, and is told apart without a key', async () => {
    const key = randomUUID();
    broken.add(key);
    const ids = [await publish(key), await publish(key)];
    await Promise.all(ids.map((id) => letterInState(id, OPEN)));
    broken.delete(key);
    const [outcome] = (await replay([ids[1] ?? ''], { outOfOrder: true })).outcomes;
    expect(outcome).toMatchObject({ result: ReplayResult.REPLAYED, order: ReplayOrder.KEPT });
    const overtaken = await replay([ids[0] ?? '']);
    expect(overtaken.outcomes).toMatchObject([{ result: ReplayResult.REPLAYED, order: ReplayOrder.OVERTAKEN }]);

    broken.add('');
    const keyless = await publish(null);
    await letterInState(keyless, OPEN);
    broken.delete('');
    const answer = await replay([keyless]);
    expect(answer.outcomes).toMatchObject([{ result: ReplayResult.REPLAYED, order: ReplayOrder.NO_KEY }]);
  });

  test('says that its order is not known when more records follow than are looked through', async () => {
    const key = randomUUID();
    broken.add(key);
    // A partition of its own: it takes its reader a while to come through.
    const id = await publish(key, null, { partition: 1 });
    await letterInState(id, OPEN);
    broken.delete(key);
    const value = eventOf('marigold');
    const later = { topic: TOPIC, partition: 1, key: randomUUID(), value, headers: {} };
    for (let sent = 0; sent <= 20_000; sent += 1_000) {
      await fixture.eventLog.producer().send(Array.from({ length: 1_000 }, () => later));
    }
    const [dry] = (await replay([id], { dryRun: true })).outcomes;
    expect(dry).toMatchObject({ result: ReplayResult.WOULD_REPLAY, order: ReplayOrder.NOT_KNOWN });
    expect((await replay([id])).outcomes).toMatchObject([
      { result: ReplayResult.REPLAYED, order: ReplayOrder.NOT_KNOWN },
    ]);
  });

  test('of one that does not exist replays nothing, and of one whose record is gone says so', async () => {
    const key = randomUUID();
    broken.add(key);
    const id = await publish(key);
    await letterInState(id, OPEN);
    const absent = `${TOPIC}/3/999`;
    expect(await refusalOf(replay([id, absent]))).toMatchObject({ reason: 'DEAD_LETTER_NOT_FOUND' });
    expect((await letterOf(id))?.state).toBe(OPEN);
    await fixture.db.query('update dead_letter set dlq_offset = dlq_offset + 100000 where key_text = $1', [key]);
    expect((await replay([id])).outcomes).toMatchObject([{ result: ReplayResult.EXPIRED }]);
    expect(await letterOf(id)).toMatchObject({ state: OPEN, replays: 0 });
    expect((await fixture.letters.getDeadLetter({ deadLetterId: id })).record).toBeUndefined();
  });

  test('that a crash left begun can be made again a minute later', async () => {
    const key = randomUUID();
    broken.add(key);
    const id = await publish(key);
    await letterInState(id, OPEN);
    broken.delete(key);
    const left = (ago: string) =>
      fixture.db.query(
        `update dead_letter set state = 2, replays = 1, state_time = now() - $2::interval where key_text = $1`,
        [key, ago],
      );
    await left('10 seconds');
    expect((await replay([id])).outcomes).toMatchObject([{ result: ReplayResult.NOT_OPEN }]);
    await left('2 minutes');
    expect((await replay([id])).outcomes).toMatchObject([{ result: ReplayResult.REPLAYED }]);
    expect(await letterInState(id, REPLAYED)).toMatchObject({ replays: 2 });
  });
});

describe('a discard', () => {
  test('has a reason, is for good, and is done to all or none', async () => {
    const key = randomUUID();
    broken.add(key);
    const ids = [await publish(key), await publish(key), await publish(key)];
    const [first = '', second = '', third = ''] = ids;
    await Promise.all(ids.map((id) => letterInState(id, OPEN)));
    const discard = (...which: string[]) =>
      fixture.letters.discardDeadLetters({ ids: which, reason: 'made by a test' });
    const { deadLetters } = await discard(second, first);
    expect(deadLetters.map(({ deadLetterId, state }) => [deadLetterId, state])).toEqual([
      [second, DISCARDED],
      [first, DISCARDED],
    ]);
    expect(deadLetters[0]).toMatchObject({ discardReason: 'made by a test', operatorId: fixture.operatorId });
    const repeated = await fixture.letters.discardDeadLetters({ ids: [first], reason: 'another reason' });
    expect(repeated.deadLetters).toMatchObject([{ discardReason: 'made by a test' }]);
    expect((await replay([first])).outcomes).toMatchObject([{ result: ReplayResult.NOT_OPEN }]);

    broken.delete(key);
    await replay([third]);
    await letterInState(third, REPLAYED);
    expect(await refusalOf(discard(third))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'DEAD_LETTER_NOT_OPEN',
    });
    expect(await refusalOf(discard(first, `${TOPIC}/3/999`))).toMatchObject({ reason: 'DEAD_LETTER_NOT_FOUND' });
  });
});

describe('what operators do', () => {
  test('is written down: who, when and what, in the table and in the log', async () => {
    const key = randomUUID();
    broken.add(key);
    const ids = [await publish(key), await publish(key)];
    const [first = '', second = ''] = ids;
    await Promise.all(ids.map((id) => letterInState(id, OPEN)));
    await fixture.letters.listDeadLetters({ filter: { key } });
    await replay([first]);
    await fixture.letters.discardDeadLetters({ ids: [second], reason: 'a good reason' });
    const { rows } = await fixture.db.query<{ user_id: string; action: string; subject: string; detail: string }>(
      'select user_id, action, subject, detail from operator_action where subject = any($1) order by id',
      [[first, second, `key=${key}`]],
    );
    const actions = rows.map(({ action, subject }) => `${action} ${subject}`);
    for (const expected of [
      `get ${first}`,
      `list key=${key}`,
      `begin-replay ${first}`,
      `replay ${first}`,
      `discard ${second}`,
    ]) {
      expect(actions).toContain(expected);
    }
    expect(new Set(rows.map(({ user_id }) => user_id))).toEqual(new Set([fixture.operatorId]));
    expect(rows.find(({ action }) => action === 'discard')?.detail).toBe('a good reason');
    const lines = fixture.lines.filter(({ event }) => event === 'operator_action');
    expect(lines).toContainEqual(
      expect.objectContaining({
        user_id: fixture.operatorId,
        action: 'discard',
        subject: second,
        trace_id: expect.any(String),
      }),
    );
  });
});

describe('watching', () => {
  function watch(token: string, filter: { key?: string } = {}, cursor = new Uint8Array()) {
    const channel = new grpc.Client(`127.0.0.1:${fixture.service.ports.grpc}`, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const method = DeadLetterService.method.watchDeadLetters;
    const request = Buffer.from(toBinary(method.input, create(method.input, { filter, cursor })));
    const same = (bytes: Buffer) => bytes;
    const path = `/${method.parent.typeName}/${method.name}`;
    const call = channel.makeServerStreamRequest(path, same, same, request, metadata);
    const seen: WatchDeadLettersResponse[] = [];
    let ended: number | undefined;
    let open = false;
    call.on('metadata', () => {
      open = true;
    });
    call.on('data', (bytes: Buffer) => seen.push(fromBinary(WatchDeadLettersResponseSchema, bytes)));
    call.on('error', (error: grpc.ServiceError) => {
      ended = error.code;
    });
    return {
      told: () => seen.flatMap(({ deadLetter }) => (deadLetter ? [[deadLetter.deadLetterId, deadLetter.state]] : [])),
      cursor: () => new Uint8Array(seen.at(-1)?.cursor ?? []),
      open: () => open,
      ended: () => ended,
      close: () => {
        call.cancel();
        channel.close();
      },
    };
  }

  test('tells each that comes and each change of it, once, and nothing of before', async () => {
    const key = randomUUID();
    broken.add(key);
    const before = await publish(key);
    await letterInState(before, OPEN);
    const watching = watch(await fixture.tokenOf(fixture.operatorId), { key });
    await until('it is open', watching.open);
    await until('it is noted', async () => {
      const { rowCount } = await fixture.db.query('select 1 from operator_action where subject = $1 and action = $2', [
        `key=${key}`,
        'watch',
      ]);
      return rowCount === 1;
    });
    const id = await publish(key);
    await publish('poison');
    await until('it is told', () => watching.told().length > 0, 10_000);
    await fixture.letters.discardDeadLetters({ ids: [id], reason: 'seen' });
    await until('the change is told', () => watching.told().length > 1, 10_000);
    expect(watching.told()).toEqual([
      [id, OPEN],
      [id, DISCARDED],
    ]);
    watching.close();
  });

  test('goes on where an earlier one had come, and refuses what is no cursor', async () => {
    const key = randomUUID();
    broken.add(key);
    const token = await fixture.tokenOf(fixture.operatorId);
    const first = watch(token, { key });
    await until('it says how far it has come, at once', () => first.cursor().length > 0, 3_000);
    const cursor = first.cursor();
    first.close();
    const id = await publish(key);
    await letterInState(id, OPEN);
    const next = watch(token, { key }, cursor);
    await until('what came meanwhile is told', () => next.told().length > 0, 10_000);
    expect(next.told()).toEqual([[id, OPEN]]);
    next.close();
    for (const none of [Uint8Array.of(1), new Uint8Array(8).fill(255), new Uint8Array(65)]) {
      const refused = watch(token, { key }, none);
      await until('it has ended', () => refused.ended() !== undefined, 3_000);
      expect(refused.ended()).toBe(grpc.status.INVALID_ARGUMENT);
      refused.close();
    }
  });

  test('ends when the role is taken back', async () => {
    const userId = randomUUID();
    await grantOperator(fixture.db, userId, 'a test');
    const watching = watch(await fixture.tokenOf(userId));
    await until('it is open', watching.open);
    await revokeOperator(fixture.db, userId, 'a test');
    await until('it has ended', () => watching.ended() !== undefined, 3_000);
    expect(watching.ended()).toBe(grpc.status.PERMISSION_DENIED);
    watching.close();
  });
});
