import type { Client } from '@realchat/db';
import { describe, expect, test } from 'vitest';
import { createBatchReader } from '../batch.ts';
import { decodeHint, encodeHint } from '../hints.ts';
import type { OwnedShard } from '../leases.ts';
import { lingerMs } from '../linger.ts';
import { shareOf } from '../share.ts';
import type { OutboxRow, OutboxSource } from '../source.ts';
import { createWakeUp } from '../wake-up.ts';

describe('shares', () => {
  test('they add up to all shards and differ by one at most, whatever the number of relays', () => {
    for (const count of [1, 2, 3, 5, 7, 16, 20]) {
      const members = Array.from({ length: count }, (_, index) => `relay-${index}`);
      const shares = members.map((owner) => shareOf(owner, members, 16));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(16);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }
  });

  test('a relay that the others do not see has none', () => {
    expect(shareOf('unseen', ['a', 'b'], 16)).toBe(0);
  });
});

describe('hints', () => {
  test('come out as they went in', () => {
    expect(decodeHint(encodeHint({ kind: 'rows', shards: [0, 15, 3] }))).toEqual({ kind: 'rows', shards: [0, 15, 3] });
    expect(decodeHint(encodeHint({ kind: 'free' }))).toEqual({ kind: 'free' });
  });

  test('what others notify on the channel is no hint', () => {
    for (const payload of [undefined, '', 'x', '1,', '-1', '1;2', '9999999999'])
      expect(decodeHint(payload)).toBeUndefined();
  });
});

describe('linger', () => {
  test('a row that comes alone or after a pause is not kept waiting', () => {
    expect(lingerMs({ rows: 1, endedAgoMs: 0 })).toBe(0);
    expect(lingerMs({ rows: 30, endedAgoMs: 50 })).toBe(0);
  });

  test('it grows with the load, and a full batch needs none', () => {
    expect(lingerMs({ rows: 2, endedAgoMs: 1 })).toBe(1);
    expect(lingerMs({ rows: 30, endedAgoMs: 1 })).toBe(4);
    expect(lingerMs({ rows: 500, endedAgoMs: 1 })).toBe(0);
  });
});

describe('wake-up', () => {
  test('one that comes while nobody waits is not lost, and counts once', async () => {
    const wakeUp = createWakeUp();
    wakeUp.wake();
    wakeUp.wake();
    expect(await wakeUp.wait(10_000)).toBe(true);
    expect(await wakeUp.wait(1)).toBe(false);
  });

  test('it ends the wait that is going on', async () => {
    const wakeUp = createWakeUp();
    const waiting = wakeUp.wait(10_000);
    wakeUp.wake();
    expect(await waiting).toBe(true);
  });
});

describe('batch', () => {
  const shardAt = (shard: number, acked: bigint): OwnedShard => ({
    shard,
    epoch: 1n,
    acked,
    marked: acked,
    leaseEnds: 0,
    busy: false,
    leaving: false,
  });
  const sourceOf = (positions: number[][], bytes: number): OutboxSource => ({
    name: 'test',
    shards: positions.length,
    readHeads: () => Promise.reject(new Error('not asked')),
    readAfter: (_client, shard, after, limit) =>
      Promise.resolve(
        (positions[shard] ?? [])
          .filter((position) => position > after)
          .slice(0, limit)
          .map((position): OutboxRow => {
            const record = { topic: 'topic', partition: shard, key: null, value: new Uint8Array(bytes) };
            return { position: BigInt(position), createTimeMs: 0, record };
          }),
      ),
  });
  const client = undefined as unknown as Client;
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  test('rows go up to the first hole, and a hole at the start is told', async () => {
    const read = createBatchReader(sourceOf([[1, 2, 3, 5, 6], [2, 3], [], [4, 5]], 100));
    const batch = await read(client, [shardAt(0, 0n), shardAt(1, 0n), shardAt(2, 0n), shardAt(3, 3n)]);
    expect(batch.runs.map(({ shard, rows }) => [shard.shard, rows.map(({ position }) => position)])).toEqual([
      [0, [1n, 2n, 3n]],
      [3, [4n, 5n]],
    ]);
    expect(batch.holes.map(({ shard }) => shard)).toEqual([1, 2]);
    expect(batch.rows).toBe(5);
  });

  test('a batch has an end in rows and in bytes, and no shard is left out because others are long', async () => {
    const many = await createBatchReader(sourceOf([upTo(5_000), upTo(5_000)], 10))(client, [
      shardAt(0, 0n),
      shardAt(1, 0n),
    ]);
    expect(many.runs.map(({ rows }) => rows.length)).toEqual([500, 500]);

    const large = createBatchReader(
      sourceOf(
        Array.from({ length: 8 }, () => upTo(500)),
        30_000,
      ),
    );
    const shards = upTo(8).map((n) => shardAt(n - 1, 0n));
    const batch = await large(client, shards);
    expect(batch.runs.map(({ rows }) => rows.length)).toEqual(shards.map(() => 17));
    expect(batch.bytes).toBeLessThan(4.2 * 1024 * 1024);
    expect(batch.holes).toEqual([]);
    for (const { bytes } of batch.runs) expect(bytes).toBeLessThan(1024 * 1024);
  });

  test('a single row that is larger than any limit is handed on, for the event log to judge', async () => {
    const batch = await createBatchReader(sourceOf([[1, 2]], 5_000_000))(client, [shardAt(0, 0n)]);
    expect(batch.runs.map(({ rows }) => rows.length)).toEqual([1]);
  });
});
