import type { Client } from '@realchat/db';
import type { OutgoingRecord } from '@realchat/eventlog';

/** One committed row of a log, ready to be published. */
export interface OutboxRow {
  /** Gapless within its shard, starting at 1. */
  position: bigint;
  /** When it was written, in milliseconds since 1970, by the database's clock. */
  createTimeMs: number;
  /** What is published. The same row always gives the same record. */
  record: OutgoingRecord;
}

/**
 * A log in Postgres that is its own outbox: positions are given under a lock of the shard that is held through the commit,
 * so that the rows of a shard become visible in the order of their positions, without a hole.
 */
export interface OutboxSource {
  /** Names it in metrics and logs. */
  name: string;
  /** Shards are numbered from 0. Fixed for the life of the log. */
  shards: number;
  /** The newest committed position of each shard, by shard; 0 for an empty one. */
  readHeads(client: Client): Promise<bigint[]>;
  /** The rows of a shard after a position, in order, at most `limit`. Several of these calls are in flight at once. */
  readAfter(client: Client, shard: number, position: bigint, limit: number): Promise<OutboxRow[]>;
}
