import { RecordRefusedError } from './errors.ts';
import type { HeaderValue, OutgoingRecord } from './records.ts';

// What a record costs besides its bytes, at most: lengths, deltas, and its share of the batch's own header.
const RECORD_OVERHEAD = 64;
const BATCH_OVERHEAD = 256;

/** How many bytes a record takes in a batch, at most. */
export function sizeOf(record: OutgoingRecord): number {
  let size = RECORD_OVERHEAD + byteLength(record.key) + byteLength(record.value);
  for (const [name, values] of Object.entries(record.headers ?? {})) {
    for (const value of Array.isArray(values) ? values : [values])
      size += 10 + Buffer.byteLength(name) + byteLength(value);
  }
  return size;
}

function byteLength(value: HeaderValue | null): number {
  if (value === null) return 0;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
}

/** Cuts a run of records where a partition's batch would become larger than its topic allows. Order is kept. */
export function splitBySize(
  records: readonly OutgoingRecord[],
  maxBatchBytes: (topic: string) => number,
): OutgoingRecord[][] {
  const batches: OutgoingRecord[][] = [];
  let batch: OutgoingRecord[] = [];
  let bytes = new Map<string, number>();
  for (const record of records) {
    const size = sizeOf(record);
    const limit = maxBatchBytes(record.topic) - BATCH_OVERHEAD;
    if (size > limit) {
      throw new RecordRefusedError('too-large', `a record of ${size} bytes is over the limit of ${limit}`, {
        partition: record.partition,
      });
    }
    const partition = `${record.topic}/${record.partition}`;
    if ((bytes.get(partition) ?? 0) + size > limit) {
      batches.push(batch);
      batch = [];
      bytes = new Map();
    }
    batch.push(record);
    bytes.set(partition, (bytes.get(partition) ?? 0) + size);
  }
  batches.push(batch);
  return batches;
}
