import { silentTelemetry, until } from '@realchat/testkit';
import type { Kafka, ProducerBatch } from 'kafkajs';
import { expect, test } from 'vitest';
import { EventLogUnavailableError } from '../errors.ts';
import { createEventLogMetrics } from '../metrics.ts';
import { createProducer } from '../producer.ts';

// Where a broker is too polite: what the producer does when an answer is lost, on a stand-in for kafkajs.

interface Sent {
  producer: number;
  values: string[];
  /** Without an error every partition is acknowledged, or those alone that are named. */
  answer: (error?: Error, partitions?: number[]) => void;
}

function standIn() {
  const sent: Sent[] = [];
  let made = 0;
  let disconnected = 0;
  const kafka = {
    producer: () => {
      made += 1;
      const producer = made;
      return {
        connect: () => Promise.resolve(),
        disconnect: () => {
          disconnected += 1;
          return Promise.resolve();
        },
        sendBatch: ({ topicMessages = [] }: ProducerBatch) =>
          new Promise((resolve, reject) => {
            const messages = topicMessages.flatMap((each) => each.messages);
            const all = messages.map(({ partition = 0 }) => partition);
            const ack = (partition: number) => ({ topicName: 'topic', partition, errorCode: 0, baseOffset: '7' });
            sent.push({
              producer,
              values: messages.map(({ value }) => String(value)),
              answer: (error, partitions = [...new Set(all)]) => (error ? reject(error) : resolve(partitions.map(ack))),
            });
          }),
      };
    },
  };
  const { log, metrics } = silentTelemetry();
  const producer = createProducer({
    kafka: kafka as unknown as Kafka,
    log,
    metrics: createEventLogMetrics(metrics),
    maxBatchBytes: () => 10_000,
    sendTimeoutMs: 200,
  });
  const send = (...values: string[]) =>
    producer.send(values.map((value) => ({ topic: 'topic', partition: 0, key: null, value: Buffer.from(value) })));
  const onWire = (count: number) => until(`${count} sends on the wire`, () => sent.length === count && sent[count - 1]);
  return { producer, send, sent, onWire, disconnected: () => disconnected };
}

test('one send is on the wire at a time', async () => {
  const { send, sent, onWire } = standIn();
  const all = [send('a'), send('b'), send('c')];
  for (const count of [1, 2, 3]) {
    const last = await onWire(count);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent.length).toBe(count);
    last.answer();
  }
  await Promise.all(all);
  expect(sent.map(({ values }) => values)).toEqual([['a'], ['b'], ['c']]);
  expect(new Set(sent.map(({ producer }) => producer)).size).toBe(1);
});

test('after a send with an unknown outcome the ones behind it are not tried, and the next goes through a new producer', async () => {
  const { send, sent, onWire, disconnected } = standIn();
  const [a, b, c] = [send('a'), send('b'), send('c')];
  (await onWire(1)).answer(new Error('connection lost'));
  for (const failed of [a, b, c]) await expect(failed).rejects.toThrow(EventLogUnavailableError);
  expect(sent.length).toBe(1);
  expect(disconnected()).toBe(1);

  const again = send('a', 'b', 'c');
  const second = await onWire(2);
  expect(second.values).toEqual(['a', 'b', 'c']);
  expect(second.producer).not.toBe(sent[0]?.producer);
  second.answer();
  await again;
});

test('a send that resolves without one of its partitions has failed: nothing is held to be appended that was not', async () => {
  const { producer, sent, onWire } = standIn();
  const records = [0, 1].map((partition) => ({ topic: 'topic', partition, key: null, value: Buffer.from('a') }));
  const sending = producer.send(records);
  sending.catch(() => {});
  (await onWire(1)).answer(undefined, [0]);
  await expect(sending).rejects.toThrow(/no acknowledgement of partition 1 of topic/);
  const again = producer.send(records);
  const second = await onWire(2);
  expect(second.producer).not.toBe(sent[0]?.producer);
  second.answer();
  expect((await again).map(({ partition }) => partition)).toEqual([0, 1]);
});

test('a send that is never answered fails in time, and its late answer changes nothing', async () => {
  const { send, sent, onWire } = standIn();
  await expect(send('a')).rejects.toThrow(/no acknowledgement within 200 ms/);
  const again = send('a');
  (await onWire(2)).answer();
  await again;
  sent[0]?.answer(new Error('too late'));
  const next = send('b');
  const third = await onWire(3);
  expect(third.producer).toBe(sent[1]?.producer);
  third.answer();
  await next;
});

test('a stop lets the send on the wire end and refuses what queues behind it', async () => {
  const { producer, send, onWire } = standIn();
  const [a, b] = [send('a'), send('b')];
  const first = await onWire(1);
  const stopped = producer.stop();
  first.answer();
  await expect(a).resolves.toHaveLength(1);
  await expect(b).rejects.toThrow(/stopped/);
  await stopped;
});
