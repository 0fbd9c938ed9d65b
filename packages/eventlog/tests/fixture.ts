import { hostPorts } from '@realchat/config';
import { recordedTelemetry, until } from '@realchat/testkit';
import { withAdmin } from '../admin.ts';
import { createKafkaClient } from '../client.ts';
import {
  createEventLog,
  deadLetters,
  type EventLog,
  EventLogUnavailableError,
  type EventRecord,
  type OutgoingRecord,
  type Producer,
  type Topic,
} from '../index.ts';

export interface Fixture {
  eventLog: EventLog;
  /** Makes a topic and its dead letters; answers its name. */
  topic(partitions: number): Promise<string>;
  /** Everything that is in a topic now, by partition. */
  readAll(topic: string): Promise<EventRecord[]>;
  committed(group: string, topic: string): Promise<bigint[]>;
  /** The raw client, for what the port does not do. */
  kafka: ReturnType<typeof createKafkaClient>;
  /** How many log lines with these words were written. */
  logged(words: string): number;
  stop(): Promise<void>;
}

let topics = 0;

export function createFixture(broker: string): Fixture {
  const { log, metrics, lines } = recordedTelemetry();
  const brokers = hostPorts.parse(broker);
  const eventLog = createEventLog({ brokers, clientId: 'test', log, metrics });
  const kafka = createKafkaClient({ brokers, clientId: 'test', log });
  return {
    eventLog,
    kafka,
    async topic(partitions) {
      topics += 1;
      const topic: Topic = {
        name: `topic-${process.pid}-${topics}`,
        partitions,
        retentionMs: 3_600_000,
        cleanup: 'delete',
        maxBatchBytes: 1_000_000,
      };
      await eventLog.ensureTopics({ topics: [topic, deadLetters(topic)] });
      return topic.name;
    },
    async readAll(topic) {
      const found = await until(
        'the broker knows the ends',
        () => eventLog.offsets(topic).catch(() => undefined),
        30_000,
      );
      const ends = found.filter(({ low, high }) => high > low);
      const left = new Map(ends.map(({ partition, high }) => [partition, high]));
      const records: EventRecord[] = [];
      const tail = eventLog.tail({
        reader: 'read-all',
        topics: [topic],
        from: 'earliest',
        onRecords: (run) => {
          for (const record of run) {
            records.push(record);
            if (record.offset + 1n >= (left.get(record.partition) ?? 0n)) left.delete(record.partition);
          }
        },
      });
      await until('the topic is read to its end', () => left.size === 0, 30_000);
      await tail.stop();
      return records;
    },
    committed: (group, topic) =>
      withAdmin(kafka, async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        return (found?.partitions ?? [])
          .toSorted((a, b) => a.partition - b.partition)
          .map(({ offset }) => BigInt(offset));
      }),
    logged: (words) => lines.filter(({ message }) => message === words).length,
    stop: () => eventLog.stop(),
  };
}

/** A record whose value is a number. */
export function numbered(topic: string, partition: number, number: number): OutgoingRecord {
  return {
    topic,
    partition,
    key: `key-${partition}`,
    value: Buffer.from(String(number)),
    headers: { n: String(number) },
  };
}

export function numberOf(record: EventRecord): number {
  return Number(Buffer.from(record.value ?? []).toString());
}

/** Sends until it is acknowledged, as a relay does. */
export async function sendSurely(producer: Producer, records: OutgoingRecord[]): Promise<void> {
  for (;;) {
    try {
      await producer.send(records);
      return;
    } catch (error) {
      if (!(error instanceof EventLogUnavailableError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The numbers in the order in which each first came. */
export function firsts(numbers: number[]): number[] {
  return [...new Set(numbers)];
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
