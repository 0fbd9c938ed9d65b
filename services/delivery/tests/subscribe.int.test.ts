import { randomUUID } from 'node:crypto';
import { ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import type { Stream } from './stream-client.ts';

let kafka: TestKafka;
let stage: Stage;
const streams: Stream[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  stage = await startStage(kafka, { MAX_STREAMS_PER_USER: '3', MAX_REPLAY_EVENTS: '50' });
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

afterAll(async () => {
  await stage.stop();
  await kafka.stop();
});

async function open(...args: Parameters<Stage['open']>): Promise<Stream> {
  const stream = await stage.open(...args);
  streams.push(stream);
  return stream;
}

async function openLive(...args: Parameters<Stage['open']>): Promise<Stream> {
  const stream = await open(...args);
  await stream.caughtUp();
  return stream;
}

describe('a stream', () => {
  test('brings what happens to each member, in the bytes of the commit and with its trace, and to no stranger', async () => {
    const [alice, bob, eve] = [randomUUID(), randomUUID(), randomUUID()];
    const conversation = stage.converse([alice, bob]);
    const [ofAlice, ofBob, ofEve] = [await openLive(alice), await openLive(bob), await openLive(eve)];
    for (let i = 0; i < 20; i++) stage.memory.message(conversation, `text ${i}`);
    await Promise.all([ofAlice.received(20), ofBob.received(20)]);
    expect(ofBob.texts()).toEqual(Array.from({ length: 20 }, (_, i) => `text ${i}`));
    expect(ofBob.frames.find(({ frame }) => frame.case === 'event')?.traceparent).toMatch(/^00-0af7/);
    expect(ofEve.kinds()).toEqual(['caughtUp']);
    expect(await stage.counted('realchat_delivery_events_total', 'source="kafka"')).toBeGreaterThanOrEqual(20);
  });

  test('begins with a membership and ends with it', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversation = stage.converse([alice]);
    const ofBob = await openLive(bob);
    stage.memory.message(conversation, 'before');
    stage.memory.add(conversation, bob);
    stage.memory.message(conversation, 'between');
    stage.memory.remove(conversation, bob);
    stage.memory.message(conversation, 'after');
    stage.memory.add(conversation, bob);
    stage.memory.message(conversation, 'again');
    await ofBob.received(2);
    expect(ofBob.texts()).toEqual(['between', 'again']);
    const changes = ofBob.frames.flatMap(({ frame }) => (frame.case === 'event' ? [frame.value.change.case] : []));
    expect(changes).toEqual(['membersAdded', 'messageSent', 'memberRemoved', 'membersAdded', 'messageSent']);
  });

  test('goes on from a checkpoint with exactly what was missed, and in no other hands', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversation = stage.converse([alice, bob]);
    const first = await openLive(alice);
    stage.memory.message(conversation, 'seen');
    await first.received(1);
    await until('a checkpoint', () => first.kinds().at(-1) === 'checkpoint');
    const cursor = first.cursor();
    first.close();
    for (let i = 0; i < 10; i++) stage.memory.message(conversation, `missed ${i}`);
    const second = await openLive(alice, cursor);
    stage.memory.message(conversation, 'live');
    await second.received(11);
    expect(second.texts()).toEqual([...Array.from({ length: 10 }, (_, i) => `missed ${i}`), 'live']);
    expect(second.resets()).toEqual([]);
    expect(await (await open(bob, cursor)).refusal()).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'CURSOR_INVALID',
    });
    expect(await (await open(alice, Buffer.from('made up'))).refusal()).toMatchObject({ reason: 'CURSOR_INVALID' });
    expect(await (await open(alice, Buffer.alloc(513))).refusal()).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['cursor'],
    });
  });

  test('is reset when more was missed than is replayed, and goes on live', async () => {
    const alice = randomUUID();
    const conversation = stage.converse([alice]);
    const first = await openLive(alice);
    const cursor = first.cursor();
    first.close();
    for (let i = 0; i < 60; i++) stage.memory.message(conversation);
    const second = await openLive(alice, cursor);
    expect(second.kinds()).toEqual(['reset', 'caughtUp']);
    expect(second.resets()).toEqual([ResetReason.BACKLOG_TOO_LARGE]);
    stage.memory.message(conversation, 'live');
    await second.received(1);
    expect(second.texts()).toEqual(['live']);
  });

  test('is one of a few of its user', async () => {
    const alice = randomUUID();
    await openLive(alice);
    await openLive(alice);
    const third = await openLive(alice);
    expect(await (await open(alice)).refusal()).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_STREAMS',
      retryAfterMs: expect.any(Number),
    });
    third.close();
    await until('the place is free', async () => {
      const stream = await open(alice);
      return Promise.race([stream.caughtUp(), stream.refusal().then(() => false)]);
    });
  });

  test('needs a token, and ends with it', async () => {
    const alice = randomUUID();
    expect(await stage.openWithToken('garbage').refusal()).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_INVALID',
    });
    const now = Math.floor(Date.now() / 1_000);
    const stream = await openLive(alice, undefined, { iat: now, exp: now + 2 });
    expect(await stream.refusal()).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    expect(Date.now() / 1_000 - now).toBeLessThan(4);
  });

  test('is told by its log lines with its trace, and what it carried is not', async () => {
    const alice = randomUUID();
    const conversation = stage.converse([alice]);
    const stream = await openLive(alice);
    stage.memory.message(conversation, 'canary in a message');
    await stream.received(1);
    stream.close();
    await until('its end is told', () =>
      stage.lines().some((line) => line.message === 'session ended' && line.reason === 'cancelled'),
    );
    const opened = stage.lines().findLast((line) => line.message === 'session opened');
    expect(opened?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(stage.lines())).not.toContain('canary');
  });

  test('is told to come back when the process stops, with a cursor of all that it got, and goes on elsewhere', async () => {
    const alice = randomUUID();
    const conversation = stage.converse([alice]);
    const first = await openLive(alice);
    stage.memory.message(conversation, 'here');
    await first.received(1);
    const stopped = stage.stopService();
    const refused = await open(alice);
    expect(await refused.refusal()).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) });
    expect(await first.refusal()).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'DRAINING',
      retryAfterMs: expect.any(Number),
    });
    await stopped;
    stage.memory.message(conversation, 'meanwhile');
    await stage.startService();
    const second = await openLive(alice, first.cursor());
    stage.memory.message(conversation, 'there');
    await second.received(2);
    expect(second.texts()).toEqual(['meanwhile', 'there']);
  });
});
