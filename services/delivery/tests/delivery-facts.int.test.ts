import { randomUUID } from 'node:crypto';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { EventSource, PushState } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import type { LogRecord } from '@realchat/gen/realchat/messaging/v1/log_service';
import { createTestDatabase, startKafka, startProxyFor, type TestKafka, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { type Stage, startStage } from './stage.ts';
import type { StageNode } from './stage-node.ts';
import type { Stream } from './stream-client.ts';

let kafka: TestKafka;
let proxy: Awaited<ReturnType<typeof startProxyFor>>;
let stage: Stage;
const streams: Stream[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  proxy = await startProxyFor(await createTestDatabase(migrations));
  stage = await startStage(kafka, { DATABASE_URL: proxy.address, INSTANCE_ID: 'delivery-1' });
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});
afterAll(async () => {
  await stage?.stop();
  await proxy?.proxy.stop();
  await kafka?.stop();
});

async function open(userId: string, cursor?: Uint8Array, node: StageNode = stage.node): Promise<Stream> {
  const stream = await node.open(userId, cursor, { did: 'phone' });
  streams.push(stream);
  await stream.caughtUp();
  return stream;
}

const ask = (userId: string, { shard, position }: LogRecord, node: StageNode = stage.node) =>
  node.facts().getDeliveryFacts({ userId, shard, position, commitTime: timestampFromMs(Date.now()) });

/** A new user who is in a new conversation. */
function cast(): { userId: string; conversationId: string } {
  const userId = randomUUID();
  return { userId, conversationId: stage.converse([userId]) };
}

test('what went to a live stream: when it was read, where it stood, to which stream, and that it was acknowledged', async () => {
  const { userId, conversationId } = cast();
  const stream = await open(userId);
  const before = Date.now() - 100;
  const record = stage.memory.message(conversationId, 'one');
  await stream.received(1);
  const facts = await ask(userId, record);
  expect(facts).toMatchObject({
    node: { nodeId: 'delivery-1', source: EventSource.KAFKA },
    streams: [{ deviceId: 'phone', push: PushState.PUSHED, backfill: false, waitingFrames: 0n, endReason: '' }],
    streamsForgotten: false,
    devicesKnown: true,
  });
  expect(facts.node?.offset).toBeGreaterThanOrEqual(0n);
  expect(facts.node?.tailPosition).toBeGreaterThanOrEqual(record.position);
  for (const time of [facts.node?.readTime, facts.streams[0]?.pushTime]) {
    expect(time && timestampMs(time)).toBeGreaterThan(before);
    expect(time && timestampMs(time)).toBeLessThan(Date.now() + 100);
  }
  // Nobody else has a stream that knows of it.
  expect((await ask(randomUUID(), record)).streams).toEqual([]);

  const cursor = await until('a checkpoint covers it', () => stream.kinds().at(-1) === 'checkpoint' && stream.cursor());
  await (await stage.node.as(userId, { did: 'phone' })).acknowledgeCursor({ cursor });
  const acknowledged = async () => (await ask(userId, record)).devices[0]?.acknowledgedPosition;
  await until('the device has acknowledged it', async () => ((await acknowledged()) ?? 0n) >= record.position);
});

test('what was missed comes by back-fill, what the cursor covers does not come, and an ended stream is remembered', async () => {
  const { userId, conversationId } = cast();
  const first = await open(userId);
  const had = stage.memory.message(conversationId, 'had');
  await first.received(1);
  const cursor = await until('a checkpoint', () => first.kinds().at(-1) === 'checkpoint' && first.cursor());
  first.close();
  const ended = async () => (await ask(userId, had)).streams[0]?.endReason;
  await until('the stream has ended', async () => (await ended()) === 'cancelled');
  const missed = stage.memory.message(conversationId, 'missed');
  await until(
    'the node has read it',
    async () => ((await ask(userId, missed)).node?.tailPosition ?? 0n) >= missed.position,
  );
  expect((await ask(userId, missed)).streams).toMatchObject([{ push: PushState.UNREAD, endReason: 'cancelled' }]);

  const second = await open(userId, cursor);
  await second.received(1);
  expect((await ask(userId, missed)).streams).toMatchObject([
    { push: PushState.UNREAD },
    { push: PushState.PUSHED, backfill: true },
  ]);
  expect((await ask(userId, had)).streams).toMatchObject([{ push: PushState.PUSHED }, { push: PushState.COVERED }]);
  // Without a cursor nothing of before comes.
  await open(userId);
  expect((await ask(userId, missed)).streams.at(-1)).toMatchObject({ push: PushState.BEFORE });
});

test('what came from the database is told as such', async () => {
  const { userId, conversationId } = cast();
  const stream = await open(userId);
  await stage.relay.hold();
  const record = stage.memory.message(conversationId, 'not in the topic');
  await stream.received(1);
  stage.relay.release();
  expect(await ask(userId, record)).toMatchObject({
    node: { source: EventSource.DATABASE, offset: -1n },
    streams: [{ push: PushState.PUSHED }],
  });
});

test('what a device does not read is told to wait, with how much, and as pushed when it reads again', async () => {
  const { userId, conversationId } = cast();
  const stream = await open(userId);
  stream.pause();
  const text = 'x'.repeat(7_000);
  const waiting = await until('something waits', async () => {
    const record = stage.memory.message(conversationId, text);
    const isRead = async () => ((await ask(userId, record)).node?.tailPosition ?? 0n) >= record.position;
    await until('the node has read it', isRead);
    return (await ask(userId, record)).streams[0]?.push === PushState.WAITING && record;
  });
  expect((await ask(userId, waiting)).streams[0]?.waitingFrames).toBeGreaterThan(0n);
  stream.resume();
  const isPushed = async () => (await ask(userId, waiting)).streams[0]?.push === PushState.PUSHED;
  await until('it is pushed', isPushed);
});

test('a node that was started later says so, and has read nothing of before', async () => {
  const { userId, conversationId } = cast();
  const record = stage.memory.message(conversationId, 'before');
  const other = await stage.anotherNode({ INSTANCE_ID: 'delivery-2' });
  const facts = await ask(userId, record, other);
  expect(facts.node).toMatchObject({ nodeId: 'delivery-2', source: EventSource.UNSPECIFIED, offset: -1n });
  expect(facts.node?.readTime).toBeUndefined();
  expect(facts.node?.startPosition).toBeGreaterThanOrEqual(record.position);
  await other.stop();
});

test('with a database of devices that hangs, all the rest is told, and that of devices nothing is known', async () => {
  const { userId, conversationId } = cast();
  const stream = await open(userId);
  const record = stage.memory.message(conversationId, 'one');
  await stream.received(1);
  proxy.proxy.freeze();
  const facts = await ask(userId, record);
  proxy.proxy.restore();
  expect(facts).toMatchObject({ devicesKnown: false, devices: [], streams: [{ push: PushState.PUSHED }] });
});
