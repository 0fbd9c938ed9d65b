import { randomUUID } from 'node:crypto';
import { CONVERSATION_EVENTS, DEAD_LETTER, type OutgoingRecord } from '@realchat/eventlog';
import { startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import type { Stream } from './stream-client.ts';

let kafka: TestKafka;
let stage: Stage;
const streams: Stream[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  stage = await startStage(kafka, { SESSION_QUEUE_FRAMES: '200' });
});

afterEach(() => {
  stage.relay.release();
  stage.messaging.release();
  for (const stream of streams.splice(0)) stream.close();
});

afterAll(async () => {
  await stage.stop();
  await kafka.stop();
});

async function openLive(userId: string, cursor?: Uint8Array): Promise<Stream> {
  const stream = await stage.open(userId, cursor);
  streams.push(stream);
  await stream.caughtUp();
  return stream;
}

/** A member with a live stream, and a conversation to write to. */
async function converse(shard?: number) {
  const alice = randomUUID();
  const conversation = stage.converse([alice], shard);
  const stream = await openLive(alice);
  return { alice, conversation, stream, say: (text: string) => stage.memory.message(conversation, text) };
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `text ${from + i}`);

describe('delivery', () => {
  test('sets poison aside and fills the hole, and what follows in the partition is not held up', async () => {
    const { stream, say } = await converse(3);
    const before = await stage.counted('realchat_delivery_repairs_total', 'outcome="begun"');
    await stage.relay.hold();
    for (const text of numbered(6)) say(text);
    const poison: Partial<OutgoingRecord>[] = [
      { key: null },
      { headers: {} },
      { value: null },
      { value: Buffer.from('no event at all') },
    ];
    for (const [i, change] of poison.entries()) stage.relay.change(i, change);
    const foreign: OutgoingRecord = {
      topic: CONVERSATION_EVENTS.name,
      partition: 3,
      key: 'x',
      value: Buffer.from('x'),
    };
    await stage.relay.inject(foreign);
    stage.relay.release();
    await stream.received(6);
    expect(stream.texts()).toEqual(numbered(6));
    const letters = await stage.deadLetters(5);
    const reasons = letters.map((letter) => letter.headers.text(DEAD_LETTER.errorReason) ?? '');
    expect(reasons.sort((a, b) => a.localeCompare(b))).toEqual([
      'EMPTY_VALUE',
      'KEY_MISMATCH',
      'MISSING_HEADER',
      'MISSING_HEADER',
      'UNDECODABLE_EVENT',
    ]);
    expect(letters.every((letter) => letter.headers.text(DEAD_LETTER.topic) === CONVERSATION_EVENTS.name)).toBe(true);
    expect(await stage.counted('realchat_delivery_repairs_total', 'outcome="begun"')).toBeGreaterThan(before);
    say('and on');
    await stream.received(7);
  });

  test('finds the last message of all, though its record never comes and none follows it', async () => {
    const { stream, say } = await converse();
    await stage.relay.hold();
    say('the last');
    await stream.received(1, 3_000);
  });

  test('brings nothing while the topic and the database are both held, and all of it afterwards', async () => {
    const { stream, say } = await converse();
    stage.messaging.hold();
    await stage.relay.hold();
    for (const text of numbered(10)) say(text);
    const failures = () => stage.lines().filter((line) => line.message === 'messaging does not answer').length;
    const told = failures();
    await until('messaging was asked in vain', () => failures() > told, 12_000);
    expect(stream.texts()).toEqual([]);
    stage.messaging.release();
    await stream.received(10);
    expect(stream.texts()).toEqual(numbered(10));
  });

  test('goes on by the topic while messaging is away, and says so to those who come', async () => {
    const { stream, say } = await converse();
    stage.messaging.hold();
    const late = await stage.open(randomUUID());
    streams.push(late);
    expect(await late.refusal()).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) });
    for (const text of numbered(5)) say(text);
    await stream.received(5);
  });

  test('goes on by the database while Kafka is dead, and by Kafka when it is back, each message once', async () => {
    const { stream, say } = await converse();
    say('text 0');
    await stream.received(1);
    await kafka.process.kill('SIGKILL', { restart: false });
    for (const text of numbered(20, 1)) {
      say(text);
      await until('it is seen', () => stream.texts().includes(text), 3_000);
    }
    expect(await stage.counted('realchat_delivery_events_total', 'source="database"')).toBeGreaterThanOrEqual(20);
    await kafka.process.start();
    await stage.connected();
    const byKafka = await stage.counted('realchat_delivery_events_total', 'source="kafka"');
    await until(
      'events come by Kafka again',
      async () => {
        say('back');
        return (await stage.counted('realchat_delivery_events_total', 'source="kafka"')) > byKafka;
      },
      30_000,
    );
    const texts = stream.texts().filter((text) => text !== 'back');
    expect(texts).toEqual(numbered(21));
  });

  test('drops a reader that does not read, keeps its memory, and serves the others; the reader resumes whole', async () => {
    const { alice, conversation, stream, say } = await converse();
    const bob = randomUUID();
    stage.memory.add(conversation, bob);
    const other = await openLive(bob);
    stream.pause();
    const text = (i: number) => `${i} ${'x'.repeat(8_000)}`;
    let written = 0;
    // Sockets on the way take some megabytes before anything waits in the process.
    while (!stage.lines().some((line) => line.reason === 'slow-consumer')) {
      for (let i = 0; i < 50; i++) say(text(written++));
      await other.received(written);
      expect(await stage.counted('realchat_delivery_queued_bytes')).toBeLessThan(2 * 1024 * 1024);
      // As much as is replayed afterwards.
      expect(written).toBeLessThan(1_900);
    }
    expect(await stage.counted('realchat_delivery_queued_bytes')).toBe(0);
    stream.resume();
    expect(await stream.refusal()).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    const seen = stream.texts();
    const again = await openLive(alice, stream.cursor());
    expect(again.resets()).toEqual([]);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => text(i)));
    expect([...new Set([...seen, ...again.texts()])]).toEqual(Array.from({ length: written }, (_, i) => text(i)));
  });

  test('resets everyone when the log is replaced', async () => {
    const { alice, stream } = await converse();
    const cursor = stream.cursor();
    stage.memory.epoch = 'epoch-2';
    expect(await stream.refusal()).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'LOG_CHANGED',
      retryAfterMs: expect.any(Number),
    });
    expect(stream.resets()).toEqual([1]);
    const again = await openLive(alice, cursor);
    expect(again.kinds()).toEqual(['reset', 'caughtUp']);
    expect(again.resets()).toEqual([1]);
  });
});
