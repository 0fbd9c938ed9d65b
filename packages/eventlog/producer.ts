import type { Logger } from '@realchat/telemetry';
import type { Kafka, Producer as KafkaProducer, Message, RecordMetadata, TopicMessages } from 'kafkajs';
import { settledWithin } from './backoff.ts';
import { EventLogUnavailableError, RecordRefusedError } from './errors.ts';
import type { EventLogMetrics } from './metrics.ts';
import { splitBySize } from './record-size.ts';
import type { Appended, HeaderValue, OutgoingRecord } from './records.ts';

/** Appends records to the event log in the order given, each partition for itself. */
export interface Producer {
  /**
   * Appends records and resolves when every replica in sync has them. One send is on the wire at a time; what is sent
   * meanwhile queues behind it. Records of one send that no one batch of the broker can hold go in several, in order.
   *
   * Rejects with EventLogUnavailableError when the outcome is not known or was not tried, and with RecordRefusedError when
   * the broker takes the records at no time. Every send that queued behind a rejected one is rejected too, so that nothing
   * overtakes: send again from the first record that was not acknowledged. Some records may then be there twice.
   */
  send(records: readonly OutgoingRecord[]): Promise<Appended[]>;
  /** Lets the send on the wire end, refuses what queues, disconnects. */
  stop(): Promise<void>;
}

interface Options {
  kafka: Kafka;
  log: Logger;
  metrics: EventLogMetrics;
  /** The largest batch that a topic's partition takes, in bytes. */
  maxBatchBytes: (topic: string) => number;
  /** A send that is not acknowledged by then has failed, in milliseconds. */
  sendTimeoutMs: number;
}

/**
 * kafkajs takes its sequence number back after every error and lets the next send use it: with two sends in flight an
 * acknowledged record can be lost. So one send is in flight, and whatever kafkajs could not settle by repeating the very
 * same batch costs the producer, and with it the sequence: the next send starts with a new producer id.
 */
export function createProducer(options: Options): Producer {
  let current: KafkaProducer | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  /** Counts failures: a send that queued before the latest one must not be tried any more. */
  let failures = 0;
  let stopped = false;

  const enqueue = (records: readonly OutgoingRecord[]): Promise<Appended[]> => {
    const failuresWhenQueued = failures;
    const result = tail.then(async () => {
      if (stopped) throw new EventLogUnavailableError('the producer is stopped');
      if (failures !== failuresWhenQueued) throw new EventLogUnavailableError('a send before this one failed');
      try {
        return await append(records);
      } catch (error) {
        failures += 1;
        throw error;
      }
    });
    tail = result.catch(() => {});
    return result;
  };

  const append = async (records: readonly OutgoingRecord[]): Promise<Appended[]> => {
    const appended: Appended[] = [];
    for (const batch of splitBySize(records, options.maxBatchBytes)) appended.push(...(await sendBatch(batch)));
    return appended;
  };

  const sendBatch = async (records: readonly OutgoingRecord[]): Promise<Appended[]> => {
    const startedAt = performance.now();
    const observe = (outcome: string) =>
      options.metrics.produceSeconds.observe({ outcome }, (performance.now() - startedAt) / 1000);
    try {
      const producer = await connected();
      const sending = producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
      // A result that comes after the time limit is of no use any more, and must not become an unhandled rejection.
      sending.catch(() => {});
      if (!(await settledWithin(options.sendTimeoutMs, sending))) {
        throw new EventLogUnavailableError(`no acknowledgement within ${options.sendTimeoutMs} ms`);
      }
      const result = await sending;
      const left = leftOut(records, result);
      if (left)
        throw new EventLogUnavailableError(`no acknowledgement of partition ${left.partition} of ${left.topic}`);
      observe('acknowledged');
      options.metrics.batchRecords.observe(records.length);
      for (const record of records) options.metrics.produced.inc({ topic: record.topic });
      return result.map(toAppended);
    } catch (error) {
      drop(error);
      const ours = toOwnError(error);
      observe(ours instanceof RecordRefusedError ? 'refused' : 'unavailable');
      throw ours;
    }
  };

  const connected = async (): Promise<KafkaProducer> => {
    if (current) return current;
    const producer = options.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition as number,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 },
    });
    current = producer;
    const connecting = producer.connect();
    connecting.catch(() => {});
    if (!(await settledWithin(options.sendTimeoutMs, connecting))) {
      throw new EventLogUnavailableError(`not connected within ${options.sendTimeoutMs} ms`);
    }
    return producer;
  };

  const drop = (error: unknown): void => {
    const dropped = current;
    current = undefined;
    const name = kafkaErrorName(error);
    options.metrics.producerResets.inc({ error: name });
    options.log.warn({ err: summary(error) }, 'the producer is made anew');
    // A dead connection can take as long as its request timeout to close: nobody waits for it.
    dropped?.disconnect().catch(() => {});
  };

  return {
    send: (records) => (records.length === 0 ? Promise.resolve([]) : enqueue(records)),
    async stop() {
      stopped = true;
      await tail;
      const last = current;
      current = undefined;
      if (last) await settledWithin(3_000, last.disconnect()).catch(() => false);
    },
  };
}

/**
 * A record whose partition is not among those acknowledged. kafkajs asks no broker twice in one send: when a leader is lost in the
 * middle of it, a partition that goes over to a broker that has answered already is not sent at all, and the send resolves.
 */
function leftOut(records: readonly OutgoingRecord[], result: readonly RecordMetadata[]): OutgoingRecord | undefined {
  const acknowledged = new Set(result.map(({ topicName, partition }) => `${topicName}/${partition}`));
  return records.find(({ topic, partition }) => !acknowledged.has(`${topic}/${partition}`));
}

function byTopic(records: readonly OutgoingRecord[]): TopicMessages[] {
  const topics = new Map<string, Message[]>();
  for (const record of records) {
    const message: Message = {
      partition: record.partition,
      key: record.key === null ? null : asBuffer(record.key),
      value: record.value === null ? null : asBuffer(record.value),
      headers: record.headers ? toKafkaHeaders(record.headers) : {},
    };
    const messages = topics.get(record.topic);
    if (messages) messages.push(message);
    else topics.set(record.topic, [message]);
  }
  return Array.from(topics, ([topic, messages]) => ({ topic, messages }));
}

function toKafkaHeaders(headers: Record<string, HeaderValue | HeaderValue[]>): Record<string, Buffer | Buffer[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(asBuffer) : asBuffer(value),
    ]),
  );
}

function asBuffer(value: HeaderValue): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function toAppended({ topicName, partition, baseOffset }: RecordMetadata): Appended {
  return { topic: topicName, partition, baseOffset: BigInt(baseOffset ?? -1) };
}

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const INVALID = new Set(['INVALID_RECORD', 'INVALID_TIMESTAMP']);

function toOwnError(error: unknown): EventLogUnavailableError | RecordRefusedError {
  if (error instanceof EventLogUnavailableError || error instanceof RecordRefusedError) return error;
  const name = kafkaErrorName(error);
  if (TOO_LARGE.has(name)) return new RecordRefusedError('too-large', `the broker answered ${name}`, { cause: error });
  if (INVALID.has(name)) return new RecordRefusedError('invalid', `the broker answered ${name}`, { cause: error });
  return new EventLogUnavailableError(`the broker did not acknowledge: ${name}`, { cause: error });
}

/** The protocol's name of an error, or its class, of the innermost cause. */
export function kafkaErrorName(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return 'unknown';
  return 'type' in inner && typeof inner.type === 'string' ? inner.type : inner.name;
}

function summary(error: unknown): { type: string; message: string } {
  return { type: kafkaErrorName(error), message: error instanceof Error ? error.message : String(error) };
}
