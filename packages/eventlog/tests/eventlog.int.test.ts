import { kafkaBrokers, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DEAD_LETTER,
  DependencyError,
  deadLetterTopicOf,
  decodeDeadLetter,
  EventLogUnavailableError,
  type EventRecord,
  PoisonError,
  RecordRefusedError,
  replayOf,
} from '../index.ts';
import { createFixture, type Fixture, numbered, numberOf, range } from './fixture.ts';

// What every adapter of the event log promises, on a broker that behaves.

let fixture: Fixture;
beforeAll(() => {
  fixture = createFixture(kafkaBrokers());
});
afterAll(() => fixture.stop());

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const fast = { minMs: 10, maxMs: 50 };

describe('topics', () => {
  test('making them again makes nothing, and another number of partitions is refused', async () => {
    const name = await fixture.topic(2);
    const topic = { name, partitions: 2, retentionMs: 1_000_000, cleanup: 'delete', maxBatchBytes: 1_000_000 } as const;
    expect(await fixture.eventLog.ensureTopics({ topics: [topic] })).toEqual([]);
    await expect(fixture.eventLog.ensureTopics({ topics: [{ ...topic, partitions: 3 }] })).rejects.toThrow(
      /has 2 partitions/,
    );
  });
});

describe('producer', () => {
  test('sends that are not waited for keep their order in each partition', async () => {
    const topic = await fixture.topic(3);
    const producer = fixture.eventLog.producer();
    await Promise.all(range(0, 300).map((n) => producer.send([numbered(topic, n % 3, n)])));
    const records = await fixture.readAll(topic);
    for (const partition of [0, 1, 2]) {
      const numbers = records.filter((record) => record.partition === partition).map(numberOf);
      expect(numbers).toEqual(range(0, 300).filter((n) => n % 3 === partition));
    }
  });

  test('key, value and headers come back as they were given, and each record is where it was said to be', async () => {
    const topic = await fixture.topic(2);
    const value = Buffer.from([0, 255, 128, 10]);
    const headers = { text: 'grüße', bytes: Buffer.from([1, 2, 0]), twice: ['one', 'two'] };
    const [appended] = await fixture.eventLog.producer().send([{ topic, partition: 1, key: 'a key', value, headers }]);
    expect(appended).toEqual({ topic, partition: 1, baseOffset: 0n });
    const [record] = await fixture.readAll(topic);
    expect(record).toMatchObject({ topic, partition: 1, offset: 0n });
    expect(Buffer.from(record?.key ?? []).toString()).toBe('a key');
    expect(Buffer.from(record?.value ?? [])).toEqual(value);
    expect(record?.headers.text('text')).toBe('grüße');
    expect(record?.headers.bytes('bytes')).toEqual(Buffer.from([1, 2, 0]));
    expect(record?.headers.text('twice')).toBe('two');
    expect(record?.headers.text('none')).toBeUndefined();
  });

  test('a send that no one batch can hold is appended whole and in order', async () => {
    const topic = await fixture.topic(1);
    const big = (n: number) => ({ ...numbered(topic, 0, n), headers: { filler: Buffer.alloc(30_000) } });
    await fixture.eventLog.producer().send(range(0, 100).map(big));
    expect((await fixture.readAll(topic)).map(numberOf)).toEqual(range(0, 100));
  });

  test('a record that is too large is refused by name, and what was queued behind it is not sent', async () => {
    const topic = await fixture.topic(1);
    const producer = fixture.eventLog.producer();
    const tooLarge = producer.send([{ topic, partition: 0, key: null, value: Buffer.alloc(2_000_000) }]);
    const behind = producer.send([numbered(topic, 0, 1)]);
    await expect(tooLarge).rejects.toThrow(RecordRefusedError);
    await expect(behind).rejects.toThrow(/before this one failed/);
    await producer.send([numbered(topic, 0, 2)]);
    expect((await fixture.readAll(topic)).map(numberOf)).toEqual([2]);
  });
});

describe('tail', () => {
  test('two tails each read every partition, in order, from where they were connected', async () => {
    const topic = await fixture.topic(4);
    const producer = fixture.eventLog.producer();
    await producer.send([numbered(topic, 0, -1)]);
    const seen: number[][] = [[], []];
    const tails = [0, 1].map((index) =>
      fixture.eventLog.tail({
        reader: `tail-${index}`,
        topics: [topic],
        from: 'latest',
        onRecords: (records) => void seen[index]?.push(...records.map(numberOf)),
      }),
    );
    await until('both are connected', () => tails.every((tail) => tail.connected));
    for (const n of range(0, 100)) await producer.send([numbered(topic, n % 4, n)]);
    await until('all is read twice', () => seen.every((numbers) => numbers.length === 100));
    for (const numbers of seen) {
      for (const partition of range(0, 4)) {
        expect(numbers.filter((n) => n % 4 === partition)).toEqual(range(0, 100).filter((n) => n % 4 === partition));
      }
    }
    await Promise.all(tails.map((tail) => tail.stop()));
  });

  test('records whose callback failed come again before anything else', async () => {
    const topic = await fixture.topic(1);
    const seen: number[] = [];
    let failures = 2;
    const tail = fixture.eventLog.tail({
      reader: 'tail-failing',
      topics: [topic],
      from: 'earliest',
      onRecords: (records) => {
        if (records.some((record) => numberOf(record) === 3) && failures-- > 0) throw new Error('not yet');
        seen.push(...records.map(numberOf));
      },
    });
    const producer = fixture.eventLog.producer();
    for (const n of range(0, 8)) await producer.send([numbered(topic, 0, n)]);
    await until('all is read', () => seen.includes(7));
    expect(seen).toEqual(range(0, 8));
    await tail.stop();
  });

  test('leaves no group behind', async () => {
    const topic = await fixture.topic(1);
    const tail = fixture.eventLog.tail({
      reader: 'tail-leaving',
      topics: [topic],
      from: 'latest',
      onRecords: () => {},
    });
    await until('it is connected', () => tail.connected);
    await tail.stop();
    const admin = fixture.kafka.admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    expect(groups.filter(({ groupId }) => groupId.includes('tail-leaving'))).toEqual([]);
  });
});

describe('group', () => {
  test('a stop waits for the handler in flight, and the next reader goes on after it', async () => {
    const topic = await fixture.topic(1);
    const group = `${topic}-stop`;
    await fixture.eventLog.producer().send(range(0, 10).map((n) => numbered(topic, 0, n)));
    const handled: number[] = [];
    const atFour = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const first = fixture.eventLog.consume({
      group,
      topic,
      eachRecord: async (record) => {
        if (numberOf(record) === 4) {
          atFour.resolve();
          await goOn.promise;
        }
        handled.push(numberOf(record));
      },
    });
    await atFour.promise;
    const stopped = first.stop();
    goOn.resolve();
    await stopped;
    expect(handled).toEqual(range(0, 5));
    expect(await fixture.committed(group, topic)).toEqual([5n]);

    const second = fixture.eventLog.consume({
      group,
      topic,
      eachRecord: async (record) => void handled.push(numberOf(record)),
    });
    await until('the rest is handled', () => handled.length === 10);
    expect(handled).toEqual(range(0, 10));
    await second.stop();
  });

  test('what a handler does after its reader was given up is not committed: the record comes again', async () => {
    const topic = await fixture.topic(1);
    const group = `${topic}-zombie`;
    await fixture.eventLog.producer().send([numbered(topic, 0, 0)]);
    const entered = Promise.withResolvers<void>();
    const wake = Promise.withResolvers<void>();
    const zombie = fixture.eventLog.consume({
      group,
      topic,
      stopTimeoutMs: 100,
      eachRecord: async () => {
        entered.resolve();
        await wake.promise;
      },
    });
    await entered.promise;
    const stopped = zombie.stop();
    await until('its stop has given up', () => !zombie.connected);
    wake.resolve();
    await stopped;
    expect(await fixture.committed(group, topic)).toEqual([-1n]);
    const again: number[] = [];
    const next = fixture.eventLog.consume({
      group,
      topic,
      eachRecord: async (record) => void again.push(numberOf(record)),
    });
    await until('it comes again', () => again.length === 1, 20_000);
    await next.stop();
  });

  test('members come and go: every record is handled, in order within its partition', async () => {
    const topic = await fixture.topic(6);
    const group = `${topic}-rebalance`;
    const handled: EventRecord[] = [];
    const join = () =>
      fixture.eventLog.consume({ group, topic, eachRecord: async (record) => void handled.push(record) });
    const producer = fixture.eventLog.producer();
    const first = join();
    let stopped = false;
    const sending = (async () => {
      for (let n = 0; !stopped; n += 1) await producer.send([numbered(topic, n % 6, n)]);
    })();
    await until('the first one works', () => handled.length > 100);
    const second = join();
    await until('the second one works', () => second.connected && handled.length > 400, 20_000);
    await first.stop();
    const before = handled.length;
    await until('the second one goes on alone', () => handled.length > before + 200, 20_000);
    stopped = true;
    await sending;
    const sent = await fixture.readAll(topic);
    await until('all is handled', () => new Set(handled.map(numberOf)).size === sent.length, 20_000);
    for (const partition of range(0, 6)) {
      const numbers = handled.filter((record) => record.partition === partition).map(numberOf);
      const inOrder = [...new Set(numbers)];
      expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
    }
    await second.stop();
  });

  test('poison is set aside whole, and the records after it are handled', async () => {
    const topic = await fixture.topic(1);
    await fixture.eventLog
      .producer()
      .send([
        numbered(topic, 0, 0),
        { ...numbered(topic, 0, 1), headers: { traceparent: TRACEPARENT, schema: '1.1', other: Buffer.from([7]) } },
        numbered(topic, 0, 2),
      ]);
    const handled: number[] = [];
    const reader = fixture.eventLog.consume({
      group: `${topic}-poison`,
      topic,
      eachRecord: async (record) => {
        if (numberOf(record) === 1) throw new PoisonError('UNKNOWN_SCHEMA', 'schema 99 is not known');
        handled.push(numberOf(record));
      },
    });
    await until('the others are handled', () => handled.length === 2);
    await until('all is committed', async () => (await fixture.committed(`${topic}-poison`, topic))[0] === 3n);
    const [letter, ...more] = await fixture.readAll(deadLetterTopicOf(topic));
    expect(more).toEqual([]);
    const text = (name: string) => letter?.headers.text(name);
    expect(Buffer.from(letter?.key ?? []).toString()).toBe(`${topic}/0/1`);
    expect(Buffer.from(letter?.value ?? []).toString()).toBe('1');
    expect(text(DEAD_LETTER.key)).toBe('key-0');
    expect(text(DEAD_LETTER.topic)).toBe(topic);
    expect(text(DEAD_LETTER.partition)).toBe('0');
    expect(text(DEAD_LETTER.offset)).toBe('1');
    expect(text(DEAD_LETTER.reader)).toBe(`${topic}-poison`);
    expect(text(DEAD_LETTER.errorClass)).toBe('PoisonError');
    expect(text(DEAD_LETTER.errorReason)).toBe('UNKNOWN_SCHEMA');
    expect(text(DEAD_LETTER.errorMessage)).toBe('schema 99 is not known');
    expect(text(DEAD_LETTER.attempts)).toBe('1');
    expect(Number(text(DEAD_LETTER.firstAttempt))).toBeGreaterThan(Date.now() - 60_000);
    expect(text('traceparent')).toBe(TRACEPARENT);
    expect(text(DEAD_LETTER.traceId)).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(text(DEAD_LETTER.schema)).toBe('1.1');
    expect(letter?.headers.bytes('other')).toEqual(Buffer.from([7]));
    await reader.stop();
  });

  test('a dead letter that is replayed and fails again comes back as the same one, with its history', async () => {
    const topic = await fixture.topic(1);
    const original = {
      ...numbered(topic, 0, 1),
      headers: { traceparent: TRACEPARENT, twice: ['one', 'two'], 'dlq-attempts': 'forged', 'dlq-replays': '7' },
    };
    await fixture.eventLog.producer().send([numbered(topic, 0, 0), original, numbered(topic, 0, 2)]);
    const reader = fixture.eventLog.consume({
      group: `${topic}-replay`,
      topic,
      maxAttempts: 3,
      retry: fast,
      eachRecord: async (record) => {
        if (numberOf(record) === 1) throw new TypeError('a bug');
      },
    });
    const letters = async () => (await fixture.readAll(deadLetterTopicOf(topic))).map(decodeDeadLetter);
    const first = await until('it is set aside', async () => (await letters()).at(-1), 20_000);
    expect(first).toMatchObject({ topic, partition: 0, offset: 1n, failedOffset: 1n, attempts: 3, replays: 0 });
    for (const replay of [1, 2]) {
      const before = (await letters()).at(-1);
      if (!before) throw new Error('there is a letter');
      const [place] = await fixture.eventLog.producer().send([replayOf(before)]);
      const all = await until(
        'it is back',
        async () => {
          const now = await letters();
          return now.length === replay + 1 && now;
        },
        20_000,
      );
      expect(all.at(-1)).toMatchObject({
        topic,
        partition: 0,
        offset: 1n,
        failedOffset: place?.baseOffset,
        attempts: 3 * (replay + 1),
        replays: replay,
        firstAttemptMs: first.firstAttemptMs,
        timestampMs: first.timestampMs,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        valueIs: 'whole',
      });
      expect(all.at(-1)?.lastAttemptMs).toBeGreaterThanOrEqual(before.lastAttemptMs);
      expect(all.at(-1)?.headers.toOutgoing()).toEqual(first.headers.toOutgoing());
      expect(Object.keys(first.headers.toOutgoing())).toEqual(['traceparent', 'twice']);
    }
    const keys = (await fixture.readAll(deadLetterTopicOf(topic))).map(({ key }) => Buffer.from(key ?? []).toString());
    expect(new Set(keys)).toEqual(new Set([`${topic}/0/1`]));
    await reader.stop();
  });

  test('a record is read by its place, and one that is not there is told apart from a broker that is not', async () => {
    const topic = await fixture.topic(2);
    await fixture.eventLog.producer().send(range(0, 50).map((n) => numbered(topic, 1, n)));
    const [record, absent, rest] = await fixture.eventLog.fetching(async (fetcher) => [
      await fetcher.at(topic, 1, 17n),
      await fetcher.at(topic, 1, 50n),
      await fetcher.from(topic, 1, 40n),
    ]);
    expect(record && numberOf(record)).toBe(17);
    expect(absent).toBeUndefined();
    expect(rest.map(numberOf)).toEqual(range(40, 50));
    expect(await fixture.eventLog.fetching((fetcher) => fetcher.at(topic, 1, 1_000n))).toBeUndefined();
    await expect(fixture.eventLog.fetching((fetcher) => fetcher.at(`${topic}-none`, 0, 0n))).rejects.toThrow(
      EventLogUnavailableError,
    );
  });

  test('an unknown error is tried so many times, then set aside without a word of the record', async () => {
    const topic = await fixture.topic(1);
    await fixture.eventLog.producer().send([numbered(topic, 0, 0), numbered(topic, 0, 1)]);
    const attempts: number[] = [];
    const handled: number[] = [];
    const reader = fixture.eventLog.consume({
      group: `${topic}-unknown`,
      topic,
      maxAttempts: 3,
      retry: fast,
      eachRecord: async (record, { attempt }) => {
        if (numberOf(record) === 0) {
          attempts.push(attempt);
          throw new SyntaxError('Unexpected token in "the secret text"');
        }
        handled.push(numberOf(record));
      },
    });
    await until('the next record is handled', () => handled.length === 1);
    expect(attempts).toEqual([1, 2, 3]);
    const [letter] = await fixture.readAll(deadLetterTopicOf(topic));
    expect(letter?.headers.text(DEAD_LETTER.attempts)).toBe('3');
    expect(letter?.headers.text(DEAD_LETTER.errorClass)).toBe('SyntaxError');
    expect(letter?.headers.text(DEAD_LETTER.errorMessage)).toMatch(/eventlog\.int\.test/);
    expect(letter?.headers.text(DEAD_LETTER.errorMessage)).not.toMatch(/secret/);
    await reader.stop();
  });

  test('nothing is committed past a poison before the broker has its dead letter', async () => {
    const topic = await fixture.topic(1);
    const group = `${topic}-ack-first`;
    const admin = fixture.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [deadLetterTopicOf(topic)] });
    await fixture.eventLog.producer().send([numbered(topic, 0, 0), numbered(topic, 0, 1)]);
    const handled: number[] = [];
    let runs = 0;
    const reader = fixture.eventLog.consume({
      group,
      topic,
      retry: fast,
      eachRecord: async (record) => {
        if (numberOf(record) === 0) {
          runs += 1;
          throw new PoisonError('BAD', 'bad');
        }
        handled.push(numberOf(record));
      },
    });
    await until('setting aside has failed', () => fixture.logged('a record could not be set aside yet') > 0, 30_000);
    expect(await fixture.committed(group, topic)).toEqual([-1n]);
    expect(handled).toEqual([]);
    await admin.createTopics({ topics: [{ topic: deadLetterTopicOf(topic), numPartitions: 1 }], waitForLeaders: true });
    await until('it goes on', () => handled.length === 1, 20_000);
    expect(runs).toBe(1);
    expect(await fixture.readAll(deadLetterTopicOf(topic))).toHaveLength(1);
    await admin.disconnect();
    await reader.stop();
  });

  test('a dependency that is down is waited for: no dead letter, order kept, other partitions go on', async () => {
    const topic = await fixture.topic(2);
    const handled: EventRecord[] = [];
    let down = true;
    let refused = 0;
    const reader = fixture.eventLog.consume({
      group: `${topic}-dependency`,
      topic,
      maxAttempts: 2,
      retry: fast,
      eachRecord: async (record) => {
        if (down && record.partition === 0) {
          refused += 1;
          throw new DependencyError('database', 'the database is away');
        }
        handled.push(record);
      },
    });
    const producer = fixture.eventLog.producer();
    for (const n of range(0, 20)) await producer.send([numbered(topic, n % 2, n)]);
    await until('it was refused more often than unknown errors may', () => refused > 5, 20_000);
    await until('the other partition goes on', () => handled.length === 10);
    down = false;
    await until('all is handled', () => handled.length === 20, 20_000);
    expect(handled.filter((record) => record.partition === 0).map(numberOf)).toEqual(range(0, 10).map((n) => n * 2));
    expect((await fixture.eventLog.offsets(deadLetterTopicOf(topic)))[0]?.high).toBe(0n);
    await reader.stop();
  });

  test('a batch that fails is tried record by record, and only the culprit is set aside', async () => {
    const topic = await fixture.topic(1);
    await fixture.eventLog.producer().send(range(0, 20).map((n) => numbered(topic, 0, n)));
    const handled: number[] = [];
    const reader = fixture.eventLog.consume({
      group: `${topic}-batch`,
      topic,
      maxAttempts: 2,
      retry: fast,
      eachBatch: async (records) => {
        if (records.some((record) => numberOf(record) === 7)) throw new Error('cannot');
        handled.push(...records.map(numberOf));
      },
    });
    await until('the others are handled', () => handled.length === 19, 20_000);
    expect(handled).toEqual(range(0, 20).filter((n) => n !== 7));
    const letters = await fixture.readAll(deadLetterTopicOf(topic));
    expect(letters.map(numberOf)).toEqual([7]);
    await reader.stop();
  });

  test('a reader in no hurry gets records that come one by one in few runs, in order, and none is left at the broker', async () => {
    const topic = await fixture.topic(1);
    const runs: number[][] = [];
    const reader = fixture.eventLog.consume({
      group: `${topic}-gather`,
      topic,
      gatherMs: 1_000,
      eachBatch: async (records) => void runs.push(records.map(numberOf)),
    });
    await until('the reader has its partition', () => reader.connected, 20_000);
    const producer = fixture.eventLog.producer();
    for (const n of range(0, 60)) await producer.send([numbered(topic, 0, n)]);
    await until('all are handled', () => runs.flat().length === 60, 20_000);
    expect(runs.flat()).toEqual(range(0, 60));
    expect(runs.length).toBeLessThan(20);
    await reader.stop();
  });
});
