import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@realchat/db';
import { createTestDatabase, refusalOf, startKafka, startProxyFor, type TestKafka, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { Cursors } from '../domain/cursor.ts';
import { type Stage, startStage } from './stage.ts';
import type { StageNode } from './stage-node.ts';
import type { Stream } from './stream-client.ts';

interface Row {
  positions: bigint[] | null;
  acknowledge_time: Date | null;
  last_seen_time: Date;
}

let kafka: TestKafka;
let stage: Stage;
let one: StageNode;
let two: StageNode;
let proxy: Awaited<ReturnType<typeof startProxyFor>>;
let db: ReturnType<typeof createClient>;
const streams: Stream[] = [];
const cursors = new Cursors('a secret for tests, long enough for them');

beforeAll(async () => {
  kafka = await startKafka();
  const url = await createTestDatabase(migrations);
  proxy = await startProxyFor(url);
  db = createClient({ url, name: 'test' });
  await db.connect();
  stage = await startStage(kafka, { DATABASE_URL: proxy.address });
  one = stage.node;
  two = await stage.anotherNode();
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

afterAll(async () => {
  await stage?.stop();
  await db?.end();
  await proxy?.proxy.stop();
  await kafka?.stop();
});

async function openLive(node: StageNode, userId: string, deviceId = 'phone'): Promise<Stream> {
  const stream = await node.open(userId, undefined, { did: deviceId });
  streams.push(stream);
  await stream.caughtUp();
  return stream;
}

async function kept(userId: string, deviceId = 'phone'): Promise<Row | undefined> {
  const { rows } = await db.query<Row>('select * from device where user_id = $1 and device_id = $2', [
    userId,
    deviceId,
  ]);
  return rows[0];
}

/** A cursor of a user at these positions of the first shards, and 0 in the others. */
function cursorAt(userId: string, positions: number[], epoch = stage.memory.epoch): Uint8Array {
  const all = stage.memory.shards.map((_, shard) => positions[shard] ?? 0);
  return cursors.seal(cursors.body(epoch, all), userId);
}

const acknowledge = async (node: StageNode, userId: string, cursor: Uint8Array, deviceId = 'phone') =>
  (await node.as(userId, { did: deviceId })).acknowledgeCursor({ cursor });

const firstThree = async (userId: string, deviceId?: string) =>
  (await kept(userId, deviceId))?.positions?.slice(0, 3).map(Number);

describe('AcknowledgeCursor', () => {
  test('keeps the cursor of a stream, for each device apart', async () => {
    const alice = randomUUID();
    const conversationId = stage.converse([alice], 2);
    const stream = await openLive(one, alice);
    stage.memory.message(conversationId, 'seen');
    await stream.received(1);
    await until('a checkpoint', () => stream.kinds().at(-1) === 'checkpoint');
    await acknowledge(two, alice, stream.cursor() ?? new Uint8Array());
    await until('it is kept', async () => (await kept(alice))?.positions != null);
    const place = cursors.open(stream.cursor() ?? new Uint8Array(), alice);
    expect((await kept(alice))?.positions?.map(Number)).toEqual(place.positions);
    expect(await kept(alice, 'laptop')).toBeUndefined();
  });

  test('goes only forward, whichever node is told, in whatever order', async () => {
    const alice = randomUUID();
    await acknowledge(one, alice, cursorAt(alice, [5, 1, 7]));
    await until('the first', async () => (await firstThree(alice)) !== undefined);
    await acknowledge(two, alice, cursorAt(alice, [3, 4, 7]));
    await until('both together', async () => (await firstThree(alice))?.[1] === 4);
    expect(await firstThree(alice)).toEqual([5, 4, 7]);
    await acknowledge(one, alice, cursorAt(alice, [1, 1, 1]));
    await acknowledge(one, alice, cursorAt(alice, [6, 1, 1]));
    await until('the last', async () => (await firstThree(alice))?.[0] === 6);
    expect(await firstThree(alice)).toEqual([6, 4, 7]);
  });

  test('is at most one write a second for each device', async () => {
    const alice = randomUUID();
    const written = () => one.counted('realchat_delivery_devices_total', 'outcome="written"');
    await until('nothing waits', async () => (await one.counted('realchat_delivery_devices_waiting')) === 0);
    // What waits no more may still be on its way to be counted.
    let before = -1;
    await until('nothing is being written', async () => {
      const last = before;
      before = await written();
      await delay(300);
      return last === before;
    });
    const began = performance.now();
    const caller = await one.as(alice, { did: 'phone' });
    for (let i = 1; i <= 50; i++) await caller.acknowledgeCursor({ cursor: cursorAt(alice, [i]) });
    await until('the newest', async () => (await firstThree(alice))?.[0] === 50);
    const writes = (await written()) - before;
    expect(writes).toBeLessThanOrEqual((performance.now() - began) / 1_000 + 2);
    expect(writes).toBeLessThan(50);
  });

  test('refuses what was made up, changed, or made for another; a cursor of another log is as good as none', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const changed = Uint8Array.from(cursorAt(alice, [1]));
    changed[12] = (changed[12] ?? 0) ^ 1;
    for (const cursor of [cursorAt(bob, [9]), changed, new Uint8Array(), Buffer.alloc(64, 7)]) {
      expect(await refusalOf(acknowledge(one, alice, cursor))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'CURSOR_INVALID',
      });
    }
    expect(await refusalOf(acknowledge(one, alice, new Uint8Array(513)))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['cursor'],
    });
    expect(await refusalOf(one.anonymous().acknowledgeCursor({ cursor: cursorAt(alice, [1]) }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_MISSING',
    });
    await acknowledge(one, alice, cursorAt(alice, [9], 'another epoch'));
    await acknowledge(one, bob, cursorAt(bob, [1]));
    await until('what came last is kept', async () => (await firstThree(bob)) !== undefined);
    expect(await kept(alice)).toBeUndefined();
  });

  test('with Postgres away is answered, and kept once it is back; streams go on', async () => {
    const alice = randomUUID();
    const conversationId = stage.converse([alice]);
    proxy.proxy.cut();
    try {
      const stream = await openLive(one, alice);
      stage.memory.message(conversationId, 'without Postgres');
      await stream.received(1);
      await acknowledge(one, alice, cursorAt(alice, [8]));
      await until(
        'it is delayed',
        async () => (await one.counted('realchat_delivery_devices_total', 'outcome="delayed"')) > 0,
      );
      expect((await one.ops('/readyz')).ok).toBe(true);
    } finally {
      proxy.proxy.restore();
    }
    await until('it is kept', async () => (await firstThree(alice))?.[0] === 8, 15_000);
  });
});

test('when a device was last here is kept, and told of who is offline also when Redis knows nothing of it', async () => {
  const [alice, bob] = [randomUUID(), randomUUID()];
  stage.converse([alice, bob]);
  const seenAt = new Date('2026-01-02T03:04:05Z');
  await db.query('insert into device (user_id, device_id, last_seen_time) values ($1, $2, $3)', [bob, 'old', seenAt]);
  const { presences } = await (await one.as(alice)).getPresence({ userIds: [bob] });
  expect(Number(presences[0]?.lastSeenTime?.seconds)).toBe(seenAt.getTime() / 1_000);

  const stream = await openLive(one, bob);
  stream.close();
  await until('it is kept', async () => (await kept(bob)) !== undefined);
  expect(Math.abs(Date.now() - ((await kept(bob))?.last_seen_time.getTime() ?? 0))).toBeLessThan(10_000);
});
