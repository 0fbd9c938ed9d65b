import type { Call } from '@realchat/rpc';
import { Counter, Gauge, Histogram, type Logger, type Registry } from '@realchat/telemetry';
import type { Ending } from './domain/endings.ts';
import type { LogEntry } from './domain/log-entry.ts';

/** What is measured when the metrics are read. */
export interface Levels {
  sessions: () => number;
  queuedBytes: () => number;
  lag: () => number;
  devicesWaiting: () => number;
}

/** What delivery tells of its business: each has its metric, and those that are not of every event a log line. */
export interface Events {
  applied: (entry: LogEntry, copies: number) => void;
  known: (count: number) => void;
  repair: (shard: number, outcome: 'begun' | 'failed', error?: unknown) => void;
  foreign: (count: number) => void;
  kafka: (state: 'connected' | 'disconnected', reason?: string) => void;
  logKnown: (epoch: string) => void;
  logReplaced: (epoch: string) => void;
  messagingAway: (error: unknown) => void;
  sessionOpened: (call: Call, from: 'cursor' | 'now' | 'other-log') => void;
  sessionEnded: (call: Call, ending: Ending, openMs: number) => void;
  typingSwallowed: () => void;
  /** What is noted of so many devices was written, or is written later. */
  devicesWritten: (count: number, error?: unknown) => void;
  deviceDropped: () => void;
  devicesPurged: (count: number, error?: unknown) => void;
  whispered: (kind: string, told: { pushed: number; dropped: number }) => void;
}

/** A line at most so often about messaging being away, in milliseconds. */
const AWAY_LINE_MS = 10_000;

export function createEvents(registry: Registry, log: Logger, levels: Levels): Events {
  const metrics = createMetrics(registry, levels);
  let awayLineAt = Number.NEGATIVE_INFINITY;
  return {
    applied(entry, copies) {
      metrics.applied.inc({ source: entry.source });
      if (copies > 0) metrics.pushed.inc(copies);
      if (entry.createTime > 0) metrics.latency.observe(Math.max(0, Date.now() - entry.createTime) / 1_000);
    },
    known: (count) => metrics.known.inc(count),
    repair(shard, outcome, error) {
      metrics.repairs.inc({ outcome });
      if (outcome === 'failed') log.warn({ shard, err: error }, 'a repair failed and is tried again');
      else log.debug({ shard }, 'a gap is filled from the database');
    },
    foreign: (count) => log.error({ count }, 'records of the topic are not in the log'),
    kafka(state, reason) {
      if (state === 'connected') log.info('events arrive through Kafka');
      else log.warn({ reason }, 'nothing arrives through Kafka; events are read from the database');
    },
    logKnown: (epoch) => log.info({ epoch }, 'the event log is known'),
    logReplaced(epoch) {
      metrics.replaced.inc();
      log.error({ epoch }, 'the event log was replaced; every session is reset');
    },
    messagingAway(error) {
      const now = performance.now();
      if (now - awayLineAt < AWAY_LINE_MS) return;
      awayLineAt = now;
      log.warn({ err: error }, 'messaging does not answer');
    },
    sessionOpened(call, from) {
      metrics.opened.inc({ from });
      call.log.info({ from }, 'session opened');
    },
    sessionEnded(call, ending, openMs) {
      metrics.ended.inc({ reason: ending.reason });
      call.log.info({ reason: ending.reason, open_ms: Math.round(openMs) }, 'session ended');
    },
    typingSwallowed: () => metrics.swallowed.inc(),
    devicesWritten(count, error) {
      metrics.devices.inc({ outcome: error ? 'delayed' : 'written' }, count);
      if (error) log.warn({ err: error, count }, 'how far devices have come is written later');
    },
    deviceDropped: () => metrics.devices.inc({ outcome: 'dropped' }),
    devicesPurged(count, error) {
      metrics.devices.inc({ outcome: 'purged' }, count);
      if (error) log.warn({ err: error }, 'devices that were not seen for long are removed later');
    },
    whispered(kind, { pushed, dropped }) {
      if (pushed > 0) metrics.transients.inc({ kind, outcome: 'pushed' }, pushed);
      if (dropped > 0) metrics.transients.inc({ kind, outcome: 'dropped' }, dropped);
    },
  };
}

function createMetrics(registry: Registry, levels: Levels) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const level = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  level('realchat_delivery_sessions', 'Streams that are open.', levels.sessions);
  level('realchat_delivery_queued_bytes', 'Bytes that wait for slow readers.', levels.queuedBytes);
  level(
    'realchat_delivery_lag_events',
    'Events that the database had at the last look and this node had not.',
    levels.lag,
  );
  level('realchat_delivery_devices_waiting', 'Devices of which something is to be written.', levels.devicesWaiting);
  return {
    applied: counter('realchat_delivery_events_total', 'Events applied, by where they came from.', ['source']),
    pushed: counter('realchat_delivery_copies_total', 'Copies of live events handed to sessions.'),
    known: counter('realchat_delivery_repeats_total', 'Records of the topic that were known already.'),
    repairs: counter('realchat_delivery_repairs_total', 'Repairs from the database: begun, and tries that failed.', [
      'outcome',
    ]),
    replaced: counter(
      'realchat_delivery_log_replacements_total',
      'Times that another log took the place of the known one.',
    ),
    opened: counter('realchat_delivery_sessions_opened_total', 'Sessions opened, by where from.', ['from']),
    ended: counter('realchat_delivery_sessions_ended_total', 'Sessions ended, by reason.', ['reason']),
    devices: counter(
      'realchat_delivery_devices_total',
      'Notes of how far devices have come: written, delayed, dropped for want of room, or purged after 90 days.',
      ['outcome'],
    ),
    swallowed: counter(
      'realchat_delivery_typing_swallowed_total',
      'Calls of SetTyping that repeated what was told less than a second before.',
    ),
    transients: counter(
      'realchat_delivery_transients_total',
      'Copies of transients, by kind and outcome: pushed, or dropped because the reader is behind.',
      ['kind', 'outcome'],
    ),
    latency: new Histogram({
      name: 'realchat_delivery_push_latency_seconds',
      help: 'From commit to the push to local sessions, by the clocks of two machines.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
      registers,
    }),
  };
}
