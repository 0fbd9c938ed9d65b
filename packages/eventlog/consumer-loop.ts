import type { Logger } from '@realchat/telemetry';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { createBackoff, pause, settledWithin } from './backoff.ts';
import type { EventLogMetrics } from './metrics.ts';
import { kafkaErrorName } from './producer.ts';

/** One kafkajs consumer from its making to its end. What it still hands out after its end is ignored. */
export interface Incarnation {
  readonly groupId: string;
  readonly consumer: Consumer;
  /** False from its end on: nothing may be committed, resolved or handled for it any more. */
  readonly current: boolean;
}

interface Options {
  kafka: Kafka;
  log: Logger;
  metrics: EventLogMetrics;
  /** Names the reader in logs and metrics. */
  reader: string;
  /** Asked for each incarnation. */
  groupId: () => string;
  topics: string[];
  fromBeginning: boolean;
  /** How long records wait at the broker for others to come along, in milliseconds; 0: not at all. */
  gatherMs: number;
  /** How many partitions are worked on at once. */
  concurrency: number;
  /** The broker drops a member that it has not heard of for so long, in milliseconds. */
  sessionTimeoutMs: number;
  /** No answer of the broker for so long is a disconnect, and three times as long ends the incarnation, in milliseconds. */
  silenceMs: number;
  /** How long a stop waits for handlers in flight, in milliseconds. */
  stopTimeoutMs: number;
  /** Before each incarnation; when it rejects, the incarnation ends and another one is tried later. */
  prepare?: () => Promise<void>;
  /** The group gave this member its partitions, and nothing of them was fetched yet. */
  onAssigned?: (incarnation: Incarnation, assignment: Record<string, number[]>) => void;
  onBatch: (incarnation: Incarnation, payload: EachBatchPayload) => Promise<void>;
  onConnected: () => void;
  onDisconnected: (reason: string) => void;
  /** After an incarnation has left its group, or was given up. */
  onEnded?: (incarnation: Incarnation) => Promise<void>;
}

/** Keeps a consumer alive. */
export interface ConsumerLoop {
  readonly connected: boolean;
  /** Waits for the handlers in flight, leaves the group, disconnects. */
  stop(): Promise<void>;
}

const MAX_WAIT_MS = 500;
/** What a fetch that gathers is content with before its time. */
const GATHERED_BYTES = 1024 * 1024;
const WATCH_MS = 250;
const TEARDOWN_MS = 1_500;
// A group waits for its slowest member before anyone gets partitions.
const REBALANCE_MS = 30_000;
const JOIN_MS = 2 * REBALANCE_MS;

/**
 * Runs one consumer after another, as kafkajs has two ways to end for good: it crashes and does not restart, or it falls
 * silent. Both are seen here; the next incarnation follows after a backoff.
 */
export function startConsumerLoop(options: Options): ConsumerLoop {
  const { log, metrics, reader } = options;
  const stopping = new AbortController();
  const backoff = createBackoff({ minMs: 100, maxMs: 2_000 });
  /** The handlers in flight, of every incarnation. */
  const handlers = new Set<Promise<void>>();
  let connected = false;

  const setConnected = (): void => {
    if (connected || stopping.signal.aborted) return;
    connected = true;
    backoff.reset();
    metrics.connected.set({ reader }, 1);
    log.info('the event log is connected');
    options.onConnected();
  };

  const setDisconnected = (reason: string): void => {
    if (!connected) return;
    connected = false;
    metrics.connected.set({ reader }, 0);
    if (stopping.signal.aborted) return;
    log.warn({ reason }, 'the event log is disconnected');
    options.onDisconnected(reason);
  };

  const live = async (): Promise<string> => {
    const groupId = options.groupId();
    const consumer = options.kafka.consumer({
      groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_MS,
      heartbeatInterval: Math.min(3_000, Math.floor(options.sessionTimeoutMs / 3)),
      maxWaitTimeInMs: options.gatherMs || MAX_WAIT_MS,
      minBytes: options.gatherMs > 0 ? GATHERED_BYTES : 1,
      allowAutoTopicCreation: false,
      // A restart by kafkajs would bypass what is prepared for each incarnation.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
    });
    const incarnation = { groupId, consumer, current: true };
    const ended = Promise.withResolvers<string>();
    let joined = false;
    let heardAt = performance.now();

    consumer.on(consumer.events.CRASH, ({ payload }) => ended.resolve(kafkaErrorName(payload.error)));
    // A crash stops the consumer first and tells why a moment later.
    consumer.on(consumer.events.STOP, () => void setTimeout(() => ended.resolve('stopped'), 200));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      if (!incarnation.current) return;
      joined = true;
      heardAt = performance.now();
      options.onAssigned?.(incarnation, payload.memberAssignment);
    });
    consumer.on(consumer.events.REBALANCING, () => {
      joined = false;
      heardAt = performance.now();
    });
    consumer.on(consumer.events.REQUEST, ({ payload }) => {
      if (!incarnation.current || (payload.apiName !== 'Fetch' && payload.apiName !== 'Heartbeat')) return;
      heardAt = performance.now();
      if (joined) setConnected();
    });
    const watch = setInterval(() => {
      const silentMs = performance.now() - heardAt;
      if (handlers.size > 0 || silentMs < options.silenceMs) return;
      setDisconnected('silence');
      if (silentMs > (joined ? options.silenceMs * 3 : JOIN_MS)) ended.resolve('silence');
    }, WATCH_MS);
    const stop = () => ended.resolve('stop');
    stopping.signal.addEventListener('abort', stop, { once: true });
    if (stopping.signal.aborted) stop();

    const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
      if (!incarnation.current) return;
      setConnected();
      const handler = options.onBatch(incarnation, payload);
      const settled = handler.catch(() => {});
      handlers.add(settled);
      try {
        await handler;
      } finally {
        handlers.delete(settled);
        heardAt = performance.now();
      }
    };
    const start = async (): Promise<void> => {
      await options.prepare?.();
      if (!incarnation.current) return;
      await consumer.connect();
      await consumer.subscribe({ topics: options.topics, fromBeginning: options.fromBeginning });
      if (!incarnation.current) return;
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: options.concurrency,
        eachBatch,
      });
    };
    const started = start().catch((error: unknown) => ended.resolve(kafkaErrorName(error)));

    const reason = await ended.promise;
    clearInterval(watch);
    stopping.signal.removeEventListener('abort', stop);
    if (reason === 'stop') {
      // The handlers in flight still belong to a live member: their effects are committed before it leaves.
      await settledWithin(
        options.stopTimeoutMs,
        consumer.stop().catch(() => {}),
      );
    }
    incarnation.current = false;
    setDisconnected(reason);
    // Not before the start is over: a consumer that is stopped while it joins would run on unstopped.
    const teardown = started
      .then(() => consumer.disconnect())
      .then(() => options.onEnded?.(incarnation))
      .catch((error: unknown) => log.info({ err: error }, 'a consumer was not cleared away'));
    // A broken connection can take its request timeout to close. Only a stop waits for that, and not for long.
    if (stopping.signal.aborted) await settledWithin(TEARDOWN_MS, teardown);
    return reason;
  };

  const run = async (): Promise<void> => {
    metrics.connected.set({ reader }, 0);
    while (!stopping.signal.aborted) {
      const reason = await live();
      if (stopping.signal.aborted) return;
      // Two incarnations at work on the same partition would lose its order.
      await Promise.all(handlers);
      const waitMs = backoff.nextMs();
      metrics.reconnects.inc({ reader, reason });
      log.warn({ reason, waitMs: Math.round(waitMs) }, 'the consumer is made anew');
      await pause(waitMs, stopping.signal);
    }
  };
  const running = run();

  return {
    get connected() {
      return connected;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
