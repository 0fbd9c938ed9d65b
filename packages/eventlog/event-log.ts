import type { HostPort } from '@realchat/config';
import type { Logger, Registry } from '@realchat/telemetry';
import { withAdmin } from './admin.ts';
import { createKafkaClient } from './client.ts';
import { startGroupReader } from './consume.ts';
import type { ConsumeOptions, GroupReader } from './consume-options.ts';
import { type Attempts, createDeadLetters } from './dead-letters.ts';
import { ensureTopics } from './ensure-topics.ts';
import { createEventLogMetrics } from './metrics.ts';
import { createProducer, type Producer } from './producer.ts';
import { type RecordFetcher, withFetcher } from './record-fetcher.ts';
import type { EventRecord } from './records.ts';
import { startTail, type Tail, type TailOptions } from './tail.ts';
import { TOPICS, type Topic } from './topics.ts';

/** The log of events that services share. Whatever is behind it, no type of it shows here. */
export interface EventLog {
  /** Makes the topics that are missing, and returns their names. Rejects when one exists with other partitions. */
  ensureTopics(options?: { topics?: readonly Topic[]; replication?: number }): Promise<string[]>;
  /** A producer of its own connection and its own order. */
  producer(options?: { sendTimeoutMs?: number }): Producer;
  /** Reads every partition of some topics, alone and in order, from now or from the start. Starts in the background. */
  tail(options: TailOptions): Tail;
  /** Reads a topic as a member of a group. Starts in the background. */
  consume(options: ConsumeOptions): GroupReader;
  /** Sets a record aside to `<topic>.dlq`; resolves with the ack of the broker. */
  deadLetter(record: EventRecord, error: unknown, attempts: Attempts): Promise<void>;
  /**
   * Where each partition of a topic starts and ends: the first offset that is kept, and the next to be written.
   * Rejects with EventLogUnavailableError while the broker is away or elects leaders.
   */
  offsets(topic: string): Promise<{ partition: number; low: bigint; high: bigint }[]>;
  /** Reads records by their place. Rejects with EventLogUnavailableError while the broker is away. */
  fetching<T>(work: (fetcher: RecordFetcher) => Promise<T>): Promise<T>;
  /** Stops every producer and reader that was made here. */
  stop(): Promise<void>;
}

/** Connects nothing yet: every part connects when it is used, and comes back by itself when the broker does. */
export function createEventLog(options: {
  brokers: HostPort[];
  /** Names this process to the broker. */
  clientId: string;
  log: Logger;
  metrics: Registry;
  /** The topics that are known, for their limits. Default: the one list. */
  topics?: readonly Topic[];
}): EventLog {
  const topics = options.topics ?? TOPICS;
  const log = options.log.child({ part: 'eventlog' });
  const metrics = createEventLogMetrics(options.metrics);
  const kafka = createKafkaClient({ brokers: options.brokers, clientId: options.clientId, log });
  const producers: Producer[] = [];
  const readers: (Tail | GroupReader)[] = [];

  const limits = new Map(topics.map((topic) => [topic.name, topic.maxBatchBytes]));
  const producer = (settings: { sendTimeoutMs?: number } = {}): Producer => {
    const made = createProducer({
      kafka,
      log,
      metrics,
      maxBatchBytes: (topic) => limits.get(topic) ?? DEFAULT_MAX_BATCH_BYTES,
      sendTimeoutMs: settings.sendTimeoutMs ?? 15_000,
    });
    producers.push(made);
    return made;
  };
  const deadLetters = createDeadLetters({ producer: producer(), log, metrics });
  const parts = { kafka, clientId: options.clientId, log, metrics, deadLetters };
  const keep = <R extends Tail | GroupReader>(reader: R): R => {
    readers.push(reader);
    return reader;
  };

  return {
    ensureTopics: (which = {}) => ensureTopics(kafka, which.topics ?? topics, which.replication),
    producer,
    tail: (which) => keep(startTail(which, parts)),
    consume: (which) => keep(startGroupReader(which, parts)),
    deadLetter: (record, error, attempts) => deadLetters.setAside(record, error, attempts),
    offsets: (topic) =>
      withAdmin(kafka, async (admin) =>
        (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
          partition,
          low: BigInt(low),
          high: BigInt(high),
        })),
      ),
    fetching: (work) => withFetcher(kafka, work),
    async stop() {
      await Promise.all(readers.map((reader) => reader.stop()));
      await Promise.all(producers.map((made) => made.stop()));
    },
  };
}

// What a broker takes that was not told otherwise.
const DEFAULT_MAX_BATCH_BYTES = 1_000_000;
