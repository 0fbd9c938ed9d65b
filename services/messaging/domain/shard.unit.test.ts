import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { SHARD_COUNT, shardOf } from './shard.ts';

test('the shard of a conversation never changes: stored rows and topics depend on it', () => {
  expect(shardOf('01a21333-16e5-77df-bc02-38efe1586f38')).toBe(7);
  expect(shardOf('00000000-0000-0000-0000-000000000000')).toBe(1);
});

test('conversations spread over all shards', () => {
  const counts = Array.from({ length: SHARD_COUNT }, () => 0);
  for (let i = 0; i < 16_000; i++) {
    const shard = shardOf(uuidv7());
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(700);
  expect(Math.max(...counts)).toBeLessThan(1_300);
});
