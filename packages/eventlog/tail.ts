import { randomUUID } from 'node:crypto';
import type { Logger } from '@realchat/telemetry';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import { createBackoff } from './backoff.ts';
import { type Incarnation, startConsumerLoop } from './consumer-loop.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { EventLogMetrics } from './metrics.ts';
import { kafkaErrorName } from './producer.ts';
import { toRecord, undecodable } from './read.ts';
import type { EventRecord } from './records.ts';

export interface TailOptions {
  /** Names the reader in logs and metrics. */
  reader: string;
  topics: string[];
  /** Where to start in each partition: after what is there at the first connect, or before all of it. */
  from: 'latest' | 'earliest';
  /**
   * A run of records of one partition, in order. The next run of any partition waits for it. When it rejects, the same
   * records come again after a backoff, for ever: what cannot be handled is to be set aside by the callee.
   */
  onRecords: (records: EventRecord[]) => void | Promise<void>;
  /** Records flow from here on, without a hole since the last one handed out, unless the log itself dropped some. */
  onConnected?: () => void;
  /** Nothing arrives until the next onConnected: read elsewhere meanwhile. */
  onDisconnected?: (reason: string) => void;
  /** No answer of the broker for so long is a disconnect, in milliseconds. Default 3,000. */
  silenceMs?: number;
}

/** A reader of every partition of some topics that shares them with nobody and commits nothing. */
export interface Tail {
  readonly connected: boolean;
  stop(): Promise<void>;
}

/**
 * kafkajs cannot read a partition without a group, so each incarnation is a group of one, under a name of its own. Where to
 * read on is kept here, by partition, and sought on every assignment.
 */
export function startTail(
  options: TailOptions,
  parts: { kafka: Kafka; clientId: string; log: Logger; metrics: EventLogMetrics; deadLetters: DeadLetters },
): Tail {
  const { metrics } = parts;
  const { reader } = options;
  const log = parts.log.child({ reader });
  /** The next offset to hand out, by topic and partition. */
  const next = new Map<string, bigint[]>();

  const prepare = async (): Promise<void> => {
    await withAdmin(parts.kafka, async (admin) => {
      for (const topic of options.topics) {
        const known = next.get(topic) ?? [];
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          known[partition] = whereToRead(known[partition], BigInt(low), BigInt(high), options.from);
        }
        next.set(topic, known);
      }
    });
  };

  const onAssigned = (incarnation: Incarnation, assignment: Record<string, number[]>): void => {
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        incarnation.consumer.seek({ topic, partition, offset: String(next.get(topic)?.[partition] ?? 0n) });
      }
    }
  };

  const onBatch = async (incarnation: Incarnation, payload: EachBatchPayload): Promise<void> => {
    const { topic, partition, messages, highWatermark } = payload.batch;
    let run: EventRecord[] = [];
    for (const message of messages) {
      const unreadable = undecodable(message);
      if (!unreadable) {
        run.push(toRecord(topic, partition, message));
        continue;
      }
      if (!(await handOut(incarnation, payload, run))) return;
      run = [];
      const setAside = () => parts.deadLetters.setAsideBatch(toRecord(topic, partition, message), unreadable, reader);
      if (!(await untilDone(incarnation, payload, setAside))) return;
      moveTo(incarnation, payload, BigInt(message.offset));
    }
    if (!(await handOut(incarnation, payload, run))) return;
    payload.resolveOffset(payload.batch.lastOffset());
    metrics.lag.set(
      { reader, topic, partition },
      Math.max(0, Number(BigInt(highWatermark) - 1n - lastRead(topic, partition))),
    );
  };

  const handOut = async (incarnation: Incarnation, payload: EachBatchPayload, run: EventRecord[]): Promise<boolean> => {
    const last = run.at(-1);
    if (!last) return true;
    if (!(await untilDone(incarnation, payload, () => options.onRecords(run)))) return false;
    metrics.consumed.inc({ reader, topic: last.topic }, run.length);
    moveTo(incarnation, payload, last.offset);
    return true;
  };

  const moveTo = (incarnation: Incarnation, payload: EachBatchPayload, offset: bigint): void => {
    const { topic, partition } = payload.batch;
    const offsets = next.get(topic);
    if (!incarnation.current || !offsets) return;
    offsets[partition] = offset + 1n;
    payload.resolveOffset(String(offset));
  };

  const lastRead = (topic: string, partition: number): bigint => (next.get(topic)?.[partition] ?? 0n) - 1n;

  /** Tries until it succeeds; false when the incarnation ended first, which hands the same records out again. */
  const untilDone = async (
    incarnation: Incarnation,
    payload: EachBatchPayload,
    work: () => void | Promise<void>,
  ): Promise<boolean> => {
    const backoff = createBackoff({ minMs: 50, maxMs: 1_000 });
    while (incarnation.current) {
      try {
        await work();
        return incarnation.current;
      } catch (error) {
        const { topic, partition } = payload.batch;
        metrics.failures.inc({ reader, topic, verdict: 'unknown' });
        log.error({ err: error, topic, partition }, 'records could not be handed out');
      }
      await new Promise((resolve) => setTimeout(resolve, backoff.nextMs()));
      await payload.heartbeat();
    }
    return false;
  };

  const onEnded = async ({ groupId }: Incarnation): Promise<void> => {
    await withAdmin(parts.kafka, (admin) => admin.deleteGroups([groupId])).catch((error: unknown) =>
      // The broker forgets an empty group by itself.
      log.debug({ reason: kafkaErrorName(error) }, 'a group was not deleted'),
    );
  };

  return startConsumerLoop({
    kafka: parts.kafka,
    log,
    metrics,
    reader,
    groupId: () => `${parts.clientId}-${reader}-${randomUUID()}`,
    topics: options.topics,
    fromBeginning: options.from === 'earliest',
    gatherMs: 0,
    concurrency: 1,
    sessionTimeoutMs: 10_000,
    silenceMs: options.silenceMs ?? 3_000,
    stopTimeoutMs: 5_000,
    prepare,
    onAssigned,
    onBatch,
    onConnected: () => options.onConnected?.(),
    onDisconnected: (reason) => options.onDisconnected?.(reason),
    onEnded,
  });
}

/**
 * A log that ends before the known position was made anew or lost its end: reading goes on at its end. One that starts
 * after it has dropped old records: reading goes on at its start.
 */
function whereToRead(known: bigint | undefined, low: bigint, high: bigint, from: 'latest' | 'earliest'): bigint {
  if (known === undefined) return from === 'latest' ? high : low;
  if (known > high) return high;
  return known < low ? low : known;
}
