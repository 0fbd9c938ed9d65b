import type { Logger } from '@realchat/telemetry';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { type BatchLease, holdBatch } from './batch-lease.ts';
import { createBatchProgress } from './batch-progress.ts';
import type { ConsumeOptions, GroupReader, HandlerContext } from './consume-options.ts';
import { type Incarnation, startConsumerLoop } from './consumer-loop.ts';
import type { DeadLetters } from './dead-letters.ts';
import { classify, PoisonError } from './errors.ts';
import { createFailures, type Failure } from './failures.ts';
import type { EventLogMetrics } from './metrics.ts';
import { toRecord, undecodable } from './read.ts';

// Between commits in a long batch: what a crash repeats at most, besides the records in hand.
const COMMIT_EVERY_MS = 1_000;

/**
 * A failed record pauses its partition and comes again after a backoff, while other partitions go on: for ever when a
 * dependency is down, else `maxAttempts` times before it goes to the dead letters, whose ack comes before the commit.
 */
export function startGroupReader(
  options: ConsumeOptions,
  parts: { kafka: Kafka; log: Logger; metrics: EventLogMetrics; deadLetters: DeadLetters },
): GroupReader {
  const { metrics, deadLetters } = parts;
  const { group: reader, topic } = options;
  const log = parts.log.child({ reader });
  const maxAttempts = options.maxAttempts ?? 5;
  const retry = options.retry ?? { minMs: 100, maxMs: 10_000 };
  const failures = createFailures();
  const resumeTimers = new Map<number, NodeJS.Timeout>();
  const stopping = new AbortController();

  const onBatch = async (incarnation: Incarnation, payload: EachBatchPayload): Promise<void> => {
    const { partition, messages, highWatermark } = payload.batch;
    const lease = holdBatch(incarnation, payload);
    const progress = createBatchProgress(payload, lease);
    try {
      let index = 0;
      while (index < messages.length && lease.held() && !stopping.signal.aborted) {
        const chunk = nextChunk(partition, messages, index);
        const failure = await handleChunk(partition, chunk, lease);
        if (failure) {
          putOff(incarnation, payload, failure);
          break;
        }
        index += chunk.length;
        progress.done(messages[index - 1]?.offset ?? payload.batch.lastOffset());
        if (progress.sinceCommitMs() > COMMIT_EVERY_MS) await progress.commit();
        await payload.heartbeat();
      }
      // Past the last record there may be markers of transactions, which nobody handles.
      if (index === messages.length) progress.done(payload.batch.lastOffset());
    } finally {
      await progress.commit().finally(() => lease.release());
    }
    metrics.lag.set({ reader, topic, partition }, Math.max(0, Number(BigInt(highWatermark) - 1n - progress.last())));
  };

  /** The records that the next run of the handler gets. */
  const nextChunk = (partition: number, messages: KafkaMessage[], from: number): KafkaMessage[] => {
    const alone = (message: KafkaMessage) =>
      'eachRecord' in options ||
      undecodable(message) !== undefined ||
      failures.singly(partition, BigInt(message.offset));
    let end = from;
    while (end < messages.length && !alone(messages[end] as KafkaMessage)) end += 1;
    return messages.slice(from, Math.max(end, from + 1));
  };

  /** Runs the handler, or sets a record aside that was given up; returns how that failed when it is to be done again. */
  const handleChunk = async (
    partition: number,
    chunk: KafkaMessage[],
    lease: BatchLease,
  ): Promise<Failure | undefined> => {
    const [first] = chunk as [KafkaMessage];
    const lastOffset = BigInt(chunk.at(-1)?.offset ?? first.offset);
    const failure = failures.at(partition, BigInt(first.offset));
    if (!failure.givenUp) {
      try {
        const signal = AbortSignal.any([lease.signal, stopping.signal]);
        await runHandler(partition, chunk, { signal, attempt: failure.attempts + 1 });
        failures.over(partition, lastOffset);
        return undefined;
      } catch (error) {
        failure.attempts += 1;
        judge(failure, error, { partition, records: chunk.length, lastOffset });
        if (!failure.givenUp) return failure;
      }
    }
    try {
      await setAside(partition, first, failure);
      failures.over(partition, lastOffset);
      return undefined;
    } catch (error) {
      log.warn({ partition, offset: first.offset, err: summary(error) }, 'a record could not be set aside yet');
      return failure;
    }
  };

  const runHandler = async (partition: number, chunk: KafkaMessage[], context: HandlerContext): Promise<void> => {
    const [first] = chunk as [KafkaMessage];
    const unreadable = undecodable(first);
    if (unreadable) throw new PoisonError(unreadable.reason, unreadable.detail);
    if ('eachRecord' in options) await options.eachRecord(toRecord(topic, partition, first), context);
    else
      await options.eachBatch(
        chunk.map((message) => toRecord(topic, partition, message)),
        context,
      );
    metrics.consumed.inc({ reader, topic }, chunk.length);
  };

  /** Decides what becomes of records whose handler failed: again, again one by one, or given up. */
  const judge = (
    failure: Failure,
    error: unknown,
    chunk: { partition: number; records: number; lastOffset: bigint },
  ): void => {
    const verdict = classify(error, options.classify);
    metrics.failures.inc({ reader, topic, verdict });
    log.warn(
      {
        partition: chunk.partition,
        offset: String(failure.offset),
        records: chunk.records,
        attempt: failure.attempts,
        verdict,
        err: summary(error),
      },
      'records could not be handled',
    );
    if (verdict === 'dependency') return;
    if (chunk.records > 1) {
      failure.singlyThrough = chunk.lastOffset;
      failure.attempts = 0;
    } else if (verdict === 'poison' || failure.attempts >= maxAttempts) {
      failure.givenUp = { error };
    }
  };

  const setAside = (partition: number, message: KafkaMessage, failure: Failure): Promise<void> => {
    const record = toRecord(topic, partition, message);
    const unreadable = undecodable(message);
    if (unreadable) return deadLetters.setAsideBatch(record, unreadable, reader);
    const { attempts, firstAtMs } = failure;
    return deadLetters.setAside(record, failure.givenUp?.error, { reader, attempts, firstAtMs });
  };

  /** Lets the other partitions go on and comes back to this one after a backoff. */
  const putOff = (incarnation: Incarnation, payload: EachBatchPayload, failure: Failure): void => {
    const { partition } = payload.batch;
    const resume = payload.pause();
    const splitOnly = failure.singlyThrough >= failure.offset && failure.attempts === 0;
    const waitMs = splitOnly ? 0 : Math.min(retry.minMs * 2 ** failure.delays, retry.maxMs) * (0.5 + Math.random() / 2);
    failure.delays += 1;
    clearTimeout(resumeTimers.get(partition));
    const timer = setTimeout(() => {
      resumeTimers.delete(partition);
      metrics.waiting.set({ reader, topic }, resumeTimers.size);
      if (incarnation.current && !stopping.signal.aborted) resume();
    }, waitMs);
    resumeTimers.set(partition, timer);
    metrics.waiting.set({ reader, topic }, resumeTimers.size);
  };

  const loop = startConsumerLoop({
    kafka: parts.kafka,
    log,
    metrics,
    reader,
    groupId: () => options.group,
    topics: [topic],
    fromBeginning: options.from !== 'latest',
    gatherMs: options.gatherMs ?? 0,
    concurrency: options.concurrency ?? 4,
    sessionTimeoutMs: 8_000,
    silenceMs: 5_000,
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
    onBatch,
    onConnected: () => {},
    onDisconnected: () => {},
  });

  return {
    get connected() {
      return loop.connected;
    },
    async stop() {
      stopping.abort();
      await loop.stop();
      for (const timer of resumeTimers.values()) clearTimeout(timer);
    },
  };
}

/** An error in a log line: other people's messages can quote a record. */
function summary(error: unknown): { type: string; message?: string } {
  if (error instanceof PoisonError) return { type: error.reason, message: error.message };
  return { type: error instanceof Error ? error.name : 'unknown' };
}
