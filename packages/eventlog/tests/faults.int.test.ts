import { startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventLogUnavailableError } from '../index.ts';
import { createFixture, type Fixture, firsts, numbered, numberOf, range, sendSurely } from './fixture.ts';

// What the event log promises while its broker dies, hangs and comes back.

const READER_ANEW = 'the consumer is made anew';
const PRODUCER_ANEW = 'the producer is made anew';

let kafka: TestKafka;
let fixture: Fixture;
beforeAll(async () => {
  kafka = await startKafka();
  fixture = createFixture(kafka.broker);
});
afterAll(async () => {
  await fixture.stop();
  await kafka.stop();
});

/** Sends numbers to two partitions one after the other until told to stop; answers how many were acknowledged. */
function startSending(topic: string) {
  const producer = fixture.eventLog.producer({ sendTimeoutMs: 4_000 });
  let acknowledged = 0;
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      await sendSurely(producer, [numbered(topic, acknowledged % 2, acknowledged)]);
      acknowledged += 1;
    }
    return acknowledged;
  })();
  return {
    acknowledged: () => acknowledged,
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

test('over a kill -9 of the broker nothing acknowledged is lost, and whatever comes twice comes in order', async () => {
  const topic = await fixture.topic(2);
  const tailed: number[][] = [[], []];
  const signals: string[] = [];
  const tail = fixture.eventLog.tail({
    reader: 'tail-kill',
    topics: [topic],
    from: 'latest',
    onRecords: (records) => records.forEach((record) => void tailed[record.partition]?.push(numberOf(record))),
    onConnected: () => signals.push('connected'),
    onDisconnected: () => signals.push('disconnected'),
  });
  await until('the tail is connected', () => tail.connected);
  const grouped: number[][] = [[], []];
  const group = fixture.eventLog.consume({
    group: `${topic}-kill`,
    topic,
    eachRecord: async (record) => void grouped[record.partition]?.push(numberOf(record)),
  });
  const sending = startSending(topic);
  await until('records flow', () => sending.acknowledged() > 200);

  await kafka.process.kill('SIGKILL', { restart: false });
  const atKill = sending.acknowledged();
  await until('the tail says that it is disconnected', () => signals.at(-1) === 'disconnected');
  await kafka.process.start();
  await until('the tail is connected again', () => signals.at(-1) === 'connected', 20_000);
  await until('records flow again', () => sending.acknowledged() > atKill + 200, 20_000);

  const count = await sending.stop();
  const complete = (lists: number[][]) => lists.flat().includes(count - 1) && lists.flat().includes(count - 2);
  await until('the tail has all', () => complete(tailed));
  await until('the group has all', () => complete(grouped), 30_000);
  const stored = await fixture.readAll(topic);
  for (const partition of [0, 1]) {
    const expected = range(0, count).filter((n) => n % 2 === partition);
    const log = stored.filter((record) => record.partition === partition).map(numberOf);
    expect(firsts(log)).toEqual(expected);
    expect(tailed[partition]).toEqual(log);
    expect(firsts(grouped[partition] ?? [])).toEqual(expected);
  }
  expect(signals).toEqual(['connected', 'disconnected', 'connected']);
  await Promise.all([tail.stop(), group.stop()]);
}, 90_000);

test('what is appended before a tail is back is read by it all the same', async () => {
  const topic = await fixture.topic(1);
  const tailed: number[] = [];
  const tail = fixture.eventLog.tail({
    reader: 'tail-gap',
    topics: [topic],
    from: 'latest',
    onRecords: (records) => void tailed.push(...records.map(numberOf)),
  });
  await until('the tail is connected', () => tail.connected);
  let sent = 0;
  let missedAtFirst = 0;
  // Whoever is quicker after a start of the broker is a matter of chance.
  while (missedAtFirst === 0) {
    await kafka.process.kill('SIGKILL', { restart: false });
    await until('the tail is disconnected', () => !tail.connected);
    const sending = sendSurely(fixture.eventLog.producer(), [numbered(topic, 0, sent)]);
    await kafka.process.start();
    await sending;
    sent += 1;
    if (!tail.connected) missedAtFirst += 1;
    await until('the tail is connected again', () => tail.connected, 20_000);
  }
  await until('the tail has all', () => firsts(tailed).length === sent);
  expect(firsts(tailed)).toEqual(range(0, sent));
  await tail.stop();
}, 90_000);

test('a broker that falls silent is noticed, and after it wakes nothing is missing and nothing is out of order', async () => {
  const topic = await fixture.topic(2);
  const tailed: number[][] = [[], []];
  const signals: string[] = [];
  const tail = fixture.eventLog.tail({
    reader: 'tail-silence',
    topics: [topic],
    from: 'latest',
    silenceMs: 1_500,
    onRecords: (records) => records.forEach((record) => void tailed[record.partition]?.push(numberOf(record))),
    onConnected: () => signals.push('connected'),
    onDisconnected: (reason) => signals.push(reason),
  });
  await until('the tail is connected', () => tail.connected);
  const sending = startSending(topic);
  await until('records flow', () => sending.acknowledged() > 100);

  const [readersBefore, producersBefore] = [fixture.logged(READER_ANEW), fixture.logged(PRODUCER_ANEW)];
  kafka.process.pause();
  const pausedAt = performance.now();
  await until('the silence is noticed', () => signals.at(-1) === 'silence', 5_000);
  expect(performance.now() - pausedAt).toBeLessThan(3_500);
  // Long enough that a consumer is given up, and a send has failed for good.
  await until('the consumer is made anew', () => fixture.logged(READER_ANEW) > readersBefore, 20_000);
  await until('the producer is made anew', () => fixture.logged(PRODUCER_ANEW) > producersBefore, 20_000);
  const atSilence = sending.acknowledged();
  kafka.process.resume();
  await until('the tail is connected again', () => signals.at(-1) === 'connected', 30_000);
  await until('records flow again', () => sending.acknowledged() > atSilence + 100, 30_000);

  const count = await sending.stop();
  await until('the tail has all', () => tailed.flat().includes(count - 1) && tailed.flat().includes(count - 2));
  const stored = await fixture.readAll(topic);
  for (const partition of [0, 1]) {
    const log = stored.filter((record) => record.partition === partition).map(numberOf);
    expect(firsts(log)).toEqual(range(0, count).filter((n) => n % 2 === partition));
    expect(firsts(tailed[partition] ?? [])).toEqual(firsts(log));
  }
  await tail.stop();
}, 90_000);

test('readers and producers that are made while the broker is away come up with it', async () => {
  const topic = await fixture.topic(1);
  await kafka.process.kill('SIGKILL', { restart: false });
  const producersBefore = fixture.logged(PRODUCER_ANEW);
  const tailed: number[] = [];
  const grouped: number[] = [];
  const tail = fixture.eventLog.tail({
    reader: 'tail-early',
    topics: [topic],
    from: 'earliest',
    onRecords: (records) => void tailed.push(...records.map(numberOf)),
  });
  const group = fixture.eventLog.consume({
    group: `${topic}-early`,
    topic,
    eachRecord: async (record) => void grouped.push(numberOf(record)),
  });
  const sent = sendSurely(fixture.eventLog.producer(), [numbered(topic, 0, 1)]);
  await until('the producer has tried', () => fixture.logged(PRODUCER_ANEW) > producersBefore, 20_000);
  expect([tail.connected, group.connected]).toEqual([false, false]);
  await kafka.process.start();
  await sent;
  await until('both have read', () => tailed.length > 0 && grouped.length > 0, 30_000);
  await Promise.all([tail.stop(), group.stop()]);
}, 60_000);

test('a stop ends within its time while the broker is away', async () => {
  const topic = await fixture.topic(1);
  const tail = fixture.eventLog.tail({ reader: 'tail-stop', topics: [topic], from: 'latest', onRecords: () => {} });
  const group = fixture.eventLog.consume({ group: `${topic}-stop`, topic, eachRecord: () => Promise.resolve() });
  const producer = fixture.eventLog.producer();
  await producer.send([numbered(topic, 0, 1)]);
  await until('both are connected', () => tail.connected && group.connected);
  await kafka.process.kill('SIGKILL', { restart: false });
  const stopping = performance.now();
  await Promise.all([tail.stop(), group.stop(), producer.stop()]);
  expect(performance.now() - stopping).toBeLessThan(6_000);
  // What asks the broker and gets no answer says so in our words.
  await expect(fixture.eventLog.offsets(topic)).rejects.toThrow(EventLogUnavailableError);
  await kafka.process.start();
}, 60_000);
