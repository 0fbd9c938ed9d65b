import { Counter, Gauge, Histogram, type Registry } from '@realchat/telemetry';

export type EventLogMetrics = ReturnType<typeof createEventLogMetrics>;

/** What is counted of the event log. A registry may be shared by several event logs of a process. */
export function createEventLogMetrics(registry: Registry) {
  const shared = <M>(name: string, make: () => M): M => (registry.getSingleMetric(name) as M | undefined) ?? make();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    shared(name, () => new Counter({ name, help, labelNames, registers }));
  const gauge = (name: string, help: string, labelNames: string[]) =>
    shared(name, () => new Gauge({ name, help, labelNames, registers }));
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    shared(name, () => new Histogram({ name, help, labelNames, registers, buckets }));
  return {
    produced: counter('eventlog_produced_records_total', 'Records that the broker acknowledged.', ['topic']),
    produceSeconds: histogram(
      'eventlog_produce_duration_seconds',
      'Time from a send to its acknowledgement, by outcome.',
      ['outcome'],
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    ),
    batchRecords: histogram(
      'eventlog_produce_batch_records',
      'Records per send.',
      [],
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096],
    ),
    producerResets: counter('eventlog_producer_resets_total', 'Producers dropped after an error, by its class.', [
      'error',
    ]),
    consumed: counter('eventlog_consumed_records_total', 'Records whose handler succeeded.', ['reader', 'topic']),
    failures: counter('eventlog_handler_failures_total', 'Failed runs of handlers, by verdict.', [
      'reader',
      'topic',
      'verdict',
    ]),
    deadLettered: counter(
      'eventlog_dead_lettered_records_total',
      'Records set aside with the ack of the broker, by reason.',
      ['reader', 'topic', 'reason'],
    ),
    lag: gauge('eventlog_lag_records', "Records between a reader's position and the end, as of its last batch.", [
      'reader',
      'topic',
      'partition',
    ]),
    waiting: gauge('eventlog_waiting_partitions', 'Partitions that wait for a dependency.', ['reader', 'topic']),
    connected: gauge('eventlog_reader_connected', '1 while a reader hears from the broker.', ['reader']),
    reconnects: counter('eventlog_reader_restarts_total', 'Consumers made anew, by what ended the one before.', [
      'reader',
      'reason',
    ]),
  };
}
