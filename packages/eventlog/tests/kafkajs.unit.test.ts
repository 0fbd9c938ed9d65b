import { createRequire } from 'node:module';
import { expect, onTestFinished, test, vi } from 'vitest';
import '../kafkajs.ts';

// The mends of kafkajs, where its own code is the subject.

const require = createRequire(import.meta.url);

interface Queue {
  throttleCheckTimeoutId: unknown;
  throttledUntil: number;
  push(request: object): void;
  fulfillRequest(response: object): void;
  maybeThrottle(ms: number): void;
  destroy(): void;
}
const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;

function queueOfOne(): Queue {
  const logger = { debug: () => {}, warn: () => {} };
  return new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'test', broker: 'test', logger });
}

function request(correlationId: number, sent: number[]) {
  return {
    entry: { correlationId, apiName: 'Fetch', apiKey: 1, apiVersion: 1, resolve: () => {}, reject: () => {} },
    expectResponse: true,
    sendRequest: () => void sent.push(correlationId),
  };
}

test('an idle connection sets no timer', () => {
  const queue = queueOfOne();
  const sent: number[] = [];
  queue.push(request(1, sent));
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  expect(sent).toEqual([1]);
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

test('a request that waits for the one before it is sent when that is answered', () => {
  const queue = queueOfOne();
  const sent: number[] = [];
  queue.push(request(1, sent));
  queue.push(request(2, sent));
  expect(sent).toEqual([1]);
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  expect(sent).toEqual([1, 2]);
  queue.destroy();
});

test('a throttled request is sent when the throttle ends, and no timer is set in the past', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.name);
  process.on('warning', note);
  const queue = queueOfOne();
  const sent: number[] = [];
  queue.maybeThrottle(30);
  queue.push(request(1, sent));
  expect(sent).toEqual([]);
  await expect.poll(() => sent).toEqual([1]);
  expect(Date.now()).toBeGreaterThanOrEqual(queue.throttledUntil);
  queue.destroy();
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

type Decode = (decoder: object) => Promise<{ offset: string; value: Buffer }[]>;
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as Decode;
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const Encoder = require('kafkajs/src/protocol/encoder') as { new (): { buffer: Buffer } };
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>;
};
const RecordOf = require('kafkajs/src/protocol/recordBatch/record/v0') as (
  record: object,
) => InstanceType<typeof Encoder>;
const Long = require('kafkajs/src/utils/long') as { fromValue(value: number): object };

async function batch(firstOffset: number, values: string[]): Promise<Buffer> {
  const records = values.map((value, offsetDelta) => RecordOf({ offsetDelta, key: null, value: Buffer.from(value) }));
  const { buffer } = await RecordBatch({
    firstOffset: Long.fromValue(firstOffset),
    lastOffsetDelta: values.length - 1,
    records,
  });
  return Buffer.from(buffer);
}

function fetched(bytes: Buffer): object {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return new Decoder(Buffer.concat([size, bytes]));
}

test('a damaged batch becomes one stand-in at its last offset, and the batches around it are read', async () => {
  const damaged = await batch(2, ['c', 'd', 'e']);
  damaged.fill(0xff, 61);
  const bytes = Buffer.concat([await batch(0, ['a', 'b']), damaged, await batch(5, ['f'])]);
  const messages = await decodeMessages(fetched(bytes));
  expect(messages.map(({ offset }) => offset)).toEqual(['0', '1', '4', '5']);
  expect(messages[2]?.value).toEqual(damaged);
});

test('a batch that the fetch has cut off is left for the next fetch', async () => {
  const second = await batch(1, ['b']);
  const bytes = Buffer.concat([await batch(0, ['a']), second.subarray(0, second.length - 1)]);
  expect((await decodeMessages(fetched(bytes))).map(({ offset }) => offset)).toEqual(['0']);
});

test('a batch of very many records is read', async () => {
  const values = Array.from({ length: 150_000 }, () => '');
  expect(await decodeMessages(fetched(await batch(0, values)))).toHaveLength(150_000);
});

interface Group {
  memberId: string;
  coordinator: { heartbeat(): Promise<void> };
  heartbeat(options: { interval: number }): Promise<void>;
}
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup') as new (options: object) => Group;

test('a consumer whose clock is set back an hour keeps its place in the group', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const quiet = { namespace: () => ({}) };
  const group = new ConsumerGroup({ logger: quiet, instrumentationEmitter: { emit: () => {} }, topics: [] });
  let beats = 0;
  group.memberId = 'member';
  group.coordinator = { heartbeat: async () => void beats++ };
  vi.setSystemTime(Date.now() - 3_600_000);
  await group.heartbeat({ interval: 3_000 });
  vi.setSystemTime(Date.now() + 3_000);
  await group.heartbeat({ interval: 3_000 });
  expect(beats).toBe(1);
});

test('its send resolves without a partition that went over to a broker that had answered: so acknowledgements are counted', async () => {
  const sendMessages = require('kafkajs/src/producer/sendMessages') as (
    parts: object,
  ) => (batch: object) => Promise<object[]>;
  const { KafkaJSConnectionClosedError } = require('kafkajs/src/errors') as {
    KafkaJSConnectionClosedError: new (message: string, where: object) => Error;
  };
  const leaders = new Map([
    [0, 1],
    [1, 2],
  ]);
  const asked: number[] = [];
  const broker = (nodeId: number) => ({
    nodeId,
    async produce({
      topicData: [{ topic, partitions }],
    }: {
      topicData: [{ topic: string; partitions: { partition: number }[] }];
    }) {
      asked.push(nodeId);
      if (nodeId === 2) {
        // It is killed; the other one leads its partition from now on.
        leaders.set(1, 1);
        await new Promise((resolve) => setImmediate(resolve));
        throw new KafkaJSConnectionClosedError('gone', { host: 'b', port: 2 });
      }
      const acked = partitions.map(({ partition }) => ({ partition, errorCode: 0, baseOffset: '0' }));
      return { topics: [{ topicName: topic, partitions: acked }] };
    },
  });
  const brokers = new Map([1, 2].map((nodeId) => [nodeId, broker(nodeId)]));
  const nothing = async () => {};
  const cluster = {
    refreshMetadataIfNecessary: nothing,
    refreshMetadata: nothing,
    addMultipleTargetTopics: nothing,
    removeBroker: () => {},
    isConnected: () => true,
    findTopicPartitionMetadata: () => [{ partitionId: 0 }, { partitionId: 1 }],
    findLeaderForPartitions: () => Object.groupBy([0, 1], (partition) => leaders.get(partition) ?? 0),
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers.get(Number(nodeId)),
  };
  const eosManager = {
    acquireBrokerLock: nothing,
    releaseBrokerLock: nothing,
    isTransactional: () => false,
    getSequence: () => 0,
    updateSequence: () => {},
    getProducerId: () => 1,
    getProducerEpoch: () => 0,
  };
  const again = async (work: (bail: (error: Error) => void) => Promise<object[]>): Promise<object[]> => {
    const bail = (error: Error) => {
      throw error;
    };
    return work(bail).catch(() => work(bail));
  };
  const logger = { debug: () => {}, error: () => {} };
  const partitioner = ({ message }: { message: { partition: number } }) => message.partition;
  const send = sendMessages({ logger, cluster, partitioner, eosManager, retrier: again });
  const messages = [0, 1].map((partition) => ({ partition, value: Buffer.from('a') }));
  const result = await send({ acks: -1, topicMessages: [{ topic: 'topic', messages }] });
  expect(asked).toEqual([1, 2]);
  expect(result).toMatchObject([{ topicName: 'topic', partition: 0 }]);
});
