import { createHash } from 'node:crypto';
import { type Client, createClient } from '@realchat/db';
import { createTestDatabase, silentTelemetry } from '@realchat/testkit';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Draft } from '../db/append-messages.ts';
import { migrations } from '../db/migrations/index.ts';
import { createSendLane, LaneFullError, type SendLane } from '../db/send-lane.ts';

// Somebody else holds the locks of all shards, so that nothing is committed and everything waits.

let blocker: Client;
let lane: SendLane;
let appended: Promise<unknown>[];

beforeEach(async () => {
  const url = await createTestDatabase(migrations);
  blocker = createClient({ url, name: 'blocker' });
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('select 1 from shard for update');
  lane = createSendLane({ url, log: silentTelemetry().log, committed: () => {}, observeBatch: () => {} });
  appended = [];
  // In flight; what comes now waits.
  await append(draft(uuidv7(), 10));
  await expect.poll(() => isBlocked()).toBe(true);
});

afterEach(async () => {
  await blocker.query('rollback');
  await Promise.all(appended);
  await lane.stop();
  await blocker.end();
});

describe('a lane whose transaction hangs', () => {
  test('S-59: is full for one sender before it is for the others', async () => {
    const flooder = uuidv7();
    for (let i = 0; i < 500; i++) expect(await append(draft(flooder, 10))).toBe('waits');
    expect(await append(draft(flooder, 10))).toBe('full');
    expect(await append(draft(uuidv7(), 10))).toBe('waits');
  });

  test('holds 32 MiB, however few messages they are', async () => {
    const sizes = Array.from({ length: 8 }, () => 4 * 1024 * 1024);
    for (const size of sizes) expect(await append(draft(uuidv7(), size))).toBe('waits');
    expect(await append(draft(uuidv7(), 1))).toBe('full');
  });
});

/** Whether the lane takes a draft. */
async function append(made: Draft): Promise<'waits' | 'full'> {
  const outcome = lane.append(made).then(
    () => 'waits' as const,
    (error: unknown) => {
      if (error instanceof LaneFullError) return 'full' as const;
      throw error;
    },
  );
  appended.push(outcome);
  return Promise.race([outcome, new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
}

async function isBlocked(): Promise<boolean> {
  // A transaction sees the activity of its first look.
  await blocker.query('select pg_stat_clear_snapshot()');
  const { rows } = await blocker.query(
    "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
  );
  return rows.length > 0;
}

function draft(senderId: string, size: number): Draft {
  return {
    shard: 0,
    conversationId: uuidv7(),
    senderId,
    deviceId: 'device',
    clientMessageId: uuidv7(),
    requestHash: createHash('sha256').update(senderId).digest(),
    messageId: uuidv7(),
    body: Buffer.alloc(size),
    traceparent: '',
  };
}
