import { randomUUID } from 'node:crypto';
import {
  refusalOf,
  startKafka,
  startProxyFor,
  startValkey,
  type TestKafka,
  type TestValkey,
  until,
} from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import type { StageNode } from './stage-node.ts';
import type { Stream } from './stream-client.ts';

let kafka: TestKafka;
let valkey: TestValkey;
let redis: Awaited<ReturnType<typeof startProxyFor>>;
let stage: Stage;
let one: StageNode;
let two: StageNode;
const streams: Stream[] = [];

beforeAll(async () => {
  [kafka, valkey] = await Promise.all([startKafka(), startValkey()]);
  redis = await startProxyFor(valkey.url);
  stage = await startStage(kafka, { REDIS_URL: redis.address });
  one = stage.node;
  two = await stage.anotherNode();
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

afterAll(async () => {
  await stage?.stop();
  await redis?.proxy.stop();
  await Promise.all([kafka?.stop(), valkey?.stop()]);
});

async function openLive(node: StageNode, userId: string): Promise<Stream> {
  const stream = await node.open(userId);
  streams.push(stream);
  await stream.caughtUp();
  return stream;
}

/** Transients of a stream: who, where, and whether typing. */
function typingOf(stream: Stream) {
  return stream.frames.flatMap(({ frame }) =>
    frame.case === 'transient' && frame.value.kind.case === 'typing'
      ? [[frame.value.conversationId, frame.value.actorId, frame.value.kind.value.active]]
      : [],
  );
}

/** Sets typing until Redis carries it: connections come up in the background. */
async function warmUp() {
  const [alice, bob] = [randomUUID(), randomUUID()];
  const conversationId = stage.converse([alice, bob]);
  const [ofOne, ofTwo] = [await openLive(one, bob), await openLive(two, bob)];
  const caller = await one.as(alice);
  await until(
    'typing goes through',
    async () => {
      await caller.setTyping({ conversationId, active: true });
      return typingOf(ofOne).length > 0 && typingOf(ofTwo).length > 0;
    },
    10_000,
  );
}

describe('typing', () => {
  test('S-13: reaches each other member on every node, and neither strangers nor who has left', async () => {
    await warmUp();
    const [alice, bob, carol, eve] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice, bob, carol]);
    const here = await Promise.all([alice, bob, carol, eve].map((user) => openLive(one, user)));
    const there = await Promise.all([alice, bob, carol, eve].map((user) => openLive(two, user)));
    stage.memory.remove(conversationId, carol);
    await Promise.all(
      [here[2], there[2]].map((stream) => until('carol left', () => stream?.kinds().includes('event') ?? false)),
    );

    const caller = await one.as(alice);
    await caller.setTyping({ conversationId, active: true });
    await caller.setTyping({ conversationId, active: false });
    for (const nodes of [here, there]) {
      await until('bob was told', () => typingOf(nodes[1] as Stream).length === 2);
      expect(typingOf(nodes[1] as Stream)).toEqual([
        [conversationId, alice, true],
        [conversationId, alice, false],
      ]);
      for (const index of [0, 2, 3]) expect(typingOf(nodes[index] as Stream)).toEqual([]);
    }
  });

  test('that repeats what was told less than a second ago is swallowed', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice, bob]);
    const ofBob = await openLive(two, bob);
    const caller = await one.as(alice);
    for (let i = 0; i < 10; i++) await caller.setTyping({ conversationId, active: true });
    await caller.setTyping({ conversationId, active: false });
    await until('the stop', () => typingOf(ofBob).at(-1)?.[2] === false);
    expect(typingOf(ofBob).length).toBeLessThan(5);
    expect(await one.counted('realchat_delivery_typing_swallowed_total')).toBeGreaterThanOrEqual(6);
  });

  test('of a member whose stream is here needs no question to messaging; of anyone else it is asked', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice, bob]);
    await openLive(one, alice);
    await (await one.as(alice)).setTyping({ conversationId, active: true });
    await (await two.as(alice)).setTyping({ conversationId, active: true });
    await (await one.as(bob)).setTyping({ conversationId, active: true });
    expect(stage.messaging.asked.filter((id) => id === alice || id === bob)).toEqual([alice, bob]);
  });

  test('without a token, or where no conversation can be, is refused', async () => {
    expect(await refusalOf(one.anonymous().setTyping({ conversationId: randomUUID(), active: true }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_MISSING',
    });
    const nowhere = (await one.as(randomUUID())).setTyping({ conversationId: 'nowhere', active: true });
    expect(await refusalOf(nowhere)).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
  });

  test('with messaging away works for who has a stream here, and is UNAVAILABLE for who has none', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice, bob]);
    await openLive(one, alice);
    stage.messaging.hold();
    try {
      await (await one.as(alice)).setTyping({ conversationId, active: true });
      const refusal = await refusalOf((await one.as(bob)).setTyping({ conversationId, active: true }));
      expect(refusal).toMatchObject({ code: 'UNAVAILABLE' });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
    } finally {
      stage.messaging.release();
    }
  });

  test('without Redis is dropped and counted, and nobody is told; events go on, and typing once Redis is back', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice, bob]);
    const ofBob = await openLive(two, bob);
    const caller = await one.as(alice);
    redis.proxy.cut();
    await until('it is dropped', async () => {
      await caller.setTyping({ conversationId, active: true });
      return (await one.counted('realchat_transients_published_total', 'outcome="dropped"')) > 0;
    });
    stage.memory.message(conversationId, 'without Redis');
    await ofBob.received(1);
    expect((await two.ops('/readyz')).ok).toBe(true);
    const late = await openLive(two, bob);
    redis.proxy.restore();
    await until(
      'typing is back',
      async () => {
        await caller.setTyping({ conversationId, active: true });
        return typingOf(ofBob).length > 0 && typingOf(late).length > 0;
      },
      10_000,
    );
  });
});
