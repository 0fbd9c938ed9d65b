import { Counter, Gauge, Histogram, type Registry } from '@realchat/telemetry';

export type RelayMetrics = ReturnType<typeof createRelayMetrics>;

/** What is counted of a relay. A registry may be shared by the relays of several sources. */
export function createRelayMetrics(registry: Registry) {
  const shared = <M>(name: string, make: () => M): M => (registry.getSingleMetric(name) as M | undefined) ?? make();
  const registers = [registry];
  const counter = (name: string, help: string, more: string[] = []) =>
    shared(name, () => new Counter({ name, help, labelNames: ['source', ...more], registers }));
  const gauge = (name: string, help: string, more: string[] = []) =>
    shared(name, () => new Gauge({ name, help, labelNames: ['source', ...more], registers }));
  const histogram = (name: string, help: string, buckets: number[]) =>
    shared(name, () => new Histogram({ name, help, labelNames: ['source'], registers, buckets }));
  return {
    published: counter('outbox_published_rows_total', 'Rows that the event log acknowledged.'),
    batchRows: histogram('outbox_batch_rows', 'Rows per send.', [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]),
    batchBytes: histogram(
      'outbox_batch_bytes',
      'Bytes per send.',
      [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304],
    ),
    delay: histogram(
      'outbox_publish_delay_seconds',
      'From the writing of a row to its acknowledgement by the event log, of the first row of each send.',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
    ),
    backlog: gauge('outbox_backlog_rows', 'Committed rows of the shards owned here that are not published.'),
    oldestAge: gauge(
      'outbox_oldest_unpublished_age_seconds',
      'Age of the oldest unpublished row of the shards owned here.',
    ),
    ownedShards: gauge('outbox_owned_shards', 'Shards that this relay publishes.'),
    stuckShards: gauge('outbox_stuck_shards', 'Shards that cannot go on and need a person, by reason.', ['reason']),
    leaseChanges: counter('outbox_lease_changes_total', 'Shards taken, given up, and lost to another relay.', [
      'change',
    ]),
    failures: counter('outbox_failures_total', 'Rounds that failed and are tried again, by what was away.', [
      'dependency',
    ]),
  };
}
