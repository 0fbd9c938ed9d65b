import type { Client } from '@realchat/db';
import type { OwnedShard } from './leases.ts';
import type { RelayMetrics } from './metrics.ts';
import type { OutboxSource } from './source.ts';

/** Measures what of some shards is committed and not published, and how old the oldest of it is. */
export function createBacklogGauge(source: OutboxSource, metrics: RelayMetrics) {
  const labels = { source: source.name };

  return async (client: Client, shards: OwnedShard[]): Promise<void> => {
    const heads = shards.length > 0 ? await source.readHeads(client) : [];
    const behind = shards.filter(({ shard, acked }) => (heads[shard] ?? 0n) > acked);
    const rows = behind.reduce((sum, { shard, acked }) => sum + Number((heads[shard] ?? 0n) - acked), 0);
    metrics.backlog.set(labels, rows);
    const next = await Promise.all(behind.map(({ shard, acked }) => source.readAfter(client, shard, acked, 1)));
    const times = next.flatMap((found) => found.map(({ createTimeMs }) => createTimeMs));
    const oldestMs = times.length > 0 ? Date.now() - Math.min(...times) : 0;
    metrics.oldestAge.set(labels, Math.max(0, oldestMs) / 1000);
  };
}
