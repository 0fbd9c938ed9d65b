import type { Client } from '@realchat/db';
import { sizeOf } from '@realchat/eventlog';
import type { OwnedShard } from './leases.ts';
import type { OutboxRow, OutboxSource } from './source.ts';

/** The next rows of one shard. */
export interface Run {
  shard: OwnedShard;
  rows: OutboxRow[];
  bytes: number;
}

/** What was read to be sent together. */
export interface Batch {
  runs: Run[];
  rows: number;
  bytes: number;
  /** Shards in which the next position is missing although a later one is committed. */
  holes: OwnedShard[];
}

const MAX_ROWS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;
// Under what one batch of a partition may take.
const MAX_SHARD_BYTES = 768 * 1024;
const MIN_SHARD_ROWS = 16;

/**
 * Reads batches of bounded size, in which every shard has its share, so that a long one keeps none waiting. Remembers how
 * large rows are, so as not to read many times what can be sent.
 */
export function createBatchReader(source: OutboxSource) {
  let bytesPerRow = 1_024;

  return async (client: Client, shards: OwnedShard[]): Promise<Batch> => {
    const shareBytes = Math.min(MAX_BYTES / shards.length, MAX_SHARD_BYTES);
    const share = Math.min(MAX_ROWS / shards.length, (1.5 * shareBytes) / bytesPerRow);
    const limit = Math.max(MIN_SHARD_ROWS, Math.floor(share));
    const found = await Promise.all(shards.map((shard) => source.readAfter(client, shard.shard, shard.acked, limit)));
    const batch: Batch = { runs: [], rows: 0, bytes: 0, holes: [] };
    found.forEach((rows, index) => {
      const shard = shards[index] as OwnedShard;
      const run = takeRun(shard, rows, shareBytes);
      if (run.rows.length > 0) {
        batch.runs.push(run);
        batch.rows += run.rows.length;
        batch.bytes += run.bytes;
        // A head beyond what is published proves that the next row is committed.
      } else if (rows[0]?.position !== shard.acked + 1n) batch.holes.push(shard);
    });
    if (batch.rows > 0) bytesPerRow = 0.8 * bytesPerRow + 0.2 * (batch.bytes / batch.rows);
    return batch;
  };
}

/** The rows that follow each other without a hole, as many as fit. The first one always does. */
function takeRun(shard: OwnedShard, rows: OutboxRow[], limit: number): Run {
  const run: Run = { shard, rows: [], bytes: 0 };
  for (const row of rows) {
    if (row.position !== shard.acked + BigInt(run.rows.length) + 1n) break;
    const bytes = sizeOf(row.record);
    if (run.bytes + bytes > limit && run.rows.length > 0) break;
    run.rows.push(row);
    run.bytes += bytes;
  }
  return run;
}
