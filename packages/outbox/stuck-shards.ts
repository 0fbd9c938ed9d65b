import type { Logger } from '@realchat/telemetry';
import type { RelayMetrics } from './metrics.ts';

/** Why a shard cannot go on: the next position is missing, or the event log does not take its row. */
export type StuckReason = 'hole' | 'refused';

/** Shards that need a person. Each is looked at again after a while, as it may have been mended. */
export interface StuckShards {
  add(shard: number, reason: StuckReason, position: bigint): void;
  /** True until it is time to look again. */
  has(shard: number): boolean;
  /** The shard goes on. */
  delete(shard: number): void;
  /** In words. */
  problems(): string[];
}

const LOOK_AGAIN_MS = 10_000;
const REASONS: StuckReason[] = ['hole', 'refused'];

export function createStuckShards(options: { source: string; log: Logger; metrics: RelayMetrics }): StuckShards {
  const stuck = new Map<number, { reason: StuckReason; until: number }>();

  const count = (): void => {
    for (const reason of REASONS) {
      const shards = [...stuck.values()].filter((each) => each.reason === reason).length;
      options.metrics.stuckShards.set({ source: options.source, reason }, shards);
    }
  };

  return {
    add(shard, reason, position) {
      stuck.set(shard, { reason, until: performance.now() + LOOK_AGAIN_MS });
      count();
      options.log.error({ shard, reason, position: String(position) }, 'a shard is stuck and is not published');
    },
    has: (shard) => (stuck.get(shard)?.until ?? 0) > performance.now(),
    delete(shard) {
      if (stuck.delete(shard)) count();
    },
    problems: () => [...stuck].map(([shard, { reason }]) => `shard ${shard} is stuck: ${reason}`),
  };
}
