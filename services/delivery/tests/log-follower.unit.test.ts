import {
  EventLogUnavailableError,
  type EventRecord,
  Headers,
  type PoisonError,
  type TailOptions,
} from '@realchat/eventlog';
import { until } from '@realchat/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { LogEntry } from '../domain/log-entry.ts';
import { NodeLog } from '../domain/node-log.ts';
import { entryOfLog } from '../log/entries.ts';
import { createLogFollower, type LogFollower } from '../log/log-follower.ts';
import { MemoryLog } from './memory-log.ts';
import { asTopicRecord, silentEvents } from './model-node.ts';

const CONVERSATION = '0190f5a0-0000-7000-8000-00000000000a';
const followers: LogFollower[] = [];

afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.stop()));
});

/** A follower of a log in memory; the topic is what the test hands to it. */
async function start() {
  const memory = new MemoryLog(2);
  memory.create(CONVERSATION, 1, ['u']);
  const applied: LogEntry[] = [];
  const deadLetters: { record: EventRecord; reason: string }[] = [];
  const state = { messaging: true, broker: true, asked: 0, reads: 0, replaced: 0 };
  const log = new NodeLog<EventRecord>(
    { ring: { entries: 100, bytes: 100_000 }, ahead: { entries: 100, bytes: 100_000 } },
    (entry) => applied.push(entry),
  );
  let topic: TailOptions | undefined;
  const answer = async <T>(read: () => T): Promise<T> => {
    state.asked++;
    if (!state.messaging) throw new Error('messaging is away');
    return read();
  };
  const follower = createLogFollower({
    log,
    reader: {
      readHeads: () => answer(() => ({ epoch: memory.epoch, heads: memory.heads() })),
      readLog: (shard, after) =>
        answer(() => {
          state.reads++;
          const { records, through } = memory.read(shard, after, 3);
          return { entries: records.map(entryOfLog), through };
        }),
    },
    eventLog: {
      tail(options) {
        topic = options;
        return { connected: true, stop: () => Promise.resolve() };
      },
      async deadLetter(record, error) {
        if (!state.broker) throw new EventLogUnavailableError('the broker is away');
        deadLetters.push({ record, reason: (error as PoisonError).reason });
      },
    },
    events: silentEvents(),
    onReplaced: () => {
      state.replaced++;
    },
  });
  followers.push(follower);
  follower.start();
  await until('the log is known', () => log.known);
  topic?.onConnected?.();
  return {
    memory,
    log,
    applied,
    deadLetters,
    state,
    tail: () => log.positions()[1],
    kafka: topic as TailOptions,
    take: async (...records: EventRecord[]) => topic?.onRecords(records),
  };
}

describe('a node that follows the log', () => {
  test('applies what comes through the topic without asking the database', async () => {
    const { memory, take, applied, state } = await start();
    await take(asTopicRecord(memory.message(CONVERSATION)), asTopicRecord(memory.message(CONVERSATION)));
    expect(applied.map(({ position, source }) => [position, source])).toEqual([
      [2, 'kafka'],
      [3, 'kafka'],
    ]);
    expect(state.reads).toBe(0);
  });

  test('finds a last event that never came', async () => {
    const { memory, tail, applied } = await start();
    memory.message(CONVERSATION);
    await until('it is read from the database', () => tail() === 2);
    expect(applied.at(-1)?.source).toBe('database');
  });

  test('goes on without the topic', async () => {
    const { memory, tail, kafka } = await start();
    kafka.onDisconnected?.('test');
    for (let i = 0; i < 10; i++) memory.message(CONVERSATION);
    await until('all are read from the database', () => tail() === 11, 1_000);
  });

  test('gets nothing while neither the topic nor the database can be read, and all of it afterwards', async () => {
    const { memory, tail, state, kafka, take } = await start();
    kafka.onDisconnected?.('test');
    state.messaging = false;
    const records = Array.from({ length: 5 }, () => memory.message(CONVERSATION));
    await take(asTopicRecord(records.at(-1) as (typeof records)[0]));
    const { asked } = state;
    await until('it has asked in vain', () => state.asked > asked + 3);
    expect(tail()).toBe(1);
    state.messaging = true;
    await until('all of it', () => tail() === 6);
  });

  test('sets a record aside that cannot be read, before it goes on, and fills the hole', async () => {
    const { memory, take, deadLetters, tail, applied, state } = await start();
    const [poison, next] = [asTopicRecord(memory.message(CONVERSATION)), asTopicRecord(memory.message(CONVERSATION))];
    state.broker = false;
    await expect(take({ ...poison, key: null }, next)).rejects.toThrow('the broker is away');
    expect(applied).toHaveLength(0);
    state.broker = true;
    await take({ ...poison, key: null }, next);
    expect(deadLetters.map(({ reason }) => reason)).toEqual(['KEY_MISMATCH']);
    await until('the hole is filled', () => tail() === 3);
    expect(applied.map(({ position }) => position)).toEqual([2, 3]);
  });

  test.each([
    ['no event', { value: Buffer.from('not an event') }, 'UNDECODABLE_EVENT'],
    ['the headers of another position', { position: '9' }, 'HEADERS_DISAGREE'],
    ['the headers of another seq', { seq: '9' }, 'HEADERS_DISAGREE'],
    ['a membership that cannot be decoded', { type: '4' }, 'UNDECODABLE_EVENT'],
  ])('sets a record aside that carries %s', async (_what, change, reason) => {
    const { memory, take, deadLetters, tail } = await start();
    const record = asTopicRecord(memory.message(CONVERSATION));
    const { value, ...headers } = { value: record.value, ...change };
    await take({ ...record, value, headers: new Headers({ ...record.headers.toOutgoing(), ...headers }) });
    expect(deadLetters.map((letter) => letter.reason)).toEqual([reason]);
    await until('the hole is filled', () => tail() === 2);
  });

  test('sets a record aside that the database does not have, and does not ask again and again', async () => {
    const { memory, take, deadLetters, state, tail } = await start();
    const foreign = new MemoryLog(2);
    foreign.create(CONVERSATION, 1, ['u']);
    for (let i = 0; i < 5; i++) foreign.message(CONVERSATION);
    await take(asTopicRecord(foreign.message(CONVERSATION)));
    await until('it is set aside', () => deadLetters.length === 1);
    expect(deadLetters[0]?.reason).toBe('NOT_IN_LOG');
    expect(state.reads).toBe(1);
    await take(asTopicRecord(memory.message(CONVERSATION)));
    expect(tail()).toBe(2);
  });

  test.each([
    ['has another epoch', (memory: MemoryLog) => Object.assign(memory, { epoch: 'epoch-2' })],
    ['has lost its end', (memory: MemoryLog) => memory.shards[1]?.pop()],
  ])('resets all sessions when the log %s, and goes on behind it', async (_what, change) => {
    const { memory, take, state, tail } = await start();
    await take(asTopicRecord(memory.message(CONVERSATION)));
    change(memory);
    await until('the sessions are reset', () => state.replaced === 1);
    expect(tail()).toBe(memory.heads()[1]);
    await take(asTopicRecord(memory.message(CONVERSATION)));
    expect(tail()).toBe(memory.heads()[1]);
    expect(state.replaced).toBe(1);
  });

  test('ends its sessions rather than guess when a membership in the database cannot be decoded', async () => {
    const { memory, applied, tail } = await start();
    const record = memory.message(CONVERSATION);
    record.type = 3;
    await until('it is applied', () => tail() === 2);
    expect(applied.at(-1)?.membership).toBe('unreadable');
  });
});
