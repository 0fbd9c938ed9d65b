import type { Kafka } from 'kafkajs';
import { EventLogUnavailableError } from './errors.ts';
import { type Cluster, openCluster } from './kafkajs.ts';
import { kafkaErrorName } from './producer.ts';
import { toRecord, undecodable } from './read.ts';
import type { EventRecord } from './records.ts';

/** Reads records by their place, as a member of no group. */
export interface RecordFetcher {
  /** The record at this offset; undefined when it is not kept any more, or nobody can take its batch apart. */
  at(topic: string, partition: number, offset: bigint): Promise<EventRecord | undefined>;
  /** Some records from this offset on, in order: those of one fetch. Empty at the end, and before what is kept. */
  from(topic: string, partition: number, offset: bigint): Promise<EventRecord[]>;
}

const MAX_FETCH_BYTES = 2 * 1024 * 1024;
const MAX_WAIT_MS = 50;

/** Lends a fetcher with a connection of its own. Rejects with EventLogUnavailableError while the broker is away. */
export async function withFetcher<T>(kafka: Kafka, work: (fetcher: RecordFetcher) => Promise<T>): Promise<T> {
  const cluster = openCluster(kafka);
  try {
    await asOurs(cluster.connect());
    return await work(createFetcher(cluster));
  } finally {
    await cluster.disconnect().catch(() => {});
  }
}

function createFetcher(cluster: Cluster): RecordFetcher {
  const from = async (topic: string, partition: number, offset: bigint): Promise<EventRecord[]> => {
    const messages = await asOurs(fetchMessages(cluster, topic, partition, offset));
    return messages
      .filter((message) => !message.isControlRecord && BigInt(message.offset) >= offset && !undecodable(message))
      .map((message) => toRecord(topic, partition, message));
  };
  return {
    from,
    async at(topic, partition, offset) {
      const [first] = await from(topic, partition, offset);
      return first?.offset === offset ? first : undefined;
    },
  };
}

async function fetchMessages(cluster: Cluster, topic: string, partition: number, offset: bigint) {
  await cluster.addTargetTopic(topic);
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (nodeId === undefined) throw new EventLogUnavailableError('the partition has no leader');
  const broker = await cluster.findBroker({ nodeId });
  try {
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: MAX_FETCH_BYTES,
      isolationLevel: 1,
      topics: [
        {
          topic,
          partitions: [{ partition, fetchOffset: String(offset), maxBytes: MAX_FETCH_BYTES, currentLeaderEpoch: -1 }],
        },
      ],
    });
    return responses.flatMap((response) => response.partitions.flatMap(({ messages }) => messages));
  } catch (error) {
    if (kafkaErrorName(error) === 'OFFSET_OUT_OF_RANGE') return [];
    throw error;
  }
}

async function asOurs<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof EventLogUnavailableError) throw error;
    throw new EventLogUnavailableError(`the broker did not answer: ${kafkaErrorName(error)}`, { cause: error });
  }
}
