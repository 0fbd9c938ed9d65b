import type { Transient } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { redisUrl, silentTelemetry, startProxyFor, until } from '@realchat/testkit';
import { createTransientListener, type TransientListener } from '@realchat/transients';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
let redis: Awaited<ReturnType<typeof startProxyFor>>;
let listener: TransientListener;
const heard: Transient[] = [];

beforeAll(async () => {
  redis = await startProxyFor(redisUrl());
  fixture = await createFixture({ REDIS_URL: redis.address });
  listener = createTransientListener({
    redisUrl: redisUrl(),
    log: silentTelemetry().log,
    onTransient: (transient) => heard.push(transient),
  });
  listener.start();
  const { alice, conversationId } = await direct(1);
  await until('it is heard', async () => {
    await fixture.send(alice, conversationId);
    const { messages } = await alice.messages.listMessages({ conversationId, pageSize: 1 });
    await alice.messages.markDelivered({ conversationId, number: messages.at(-1)?.number ?? 1n });
    return told(conversationId).length > 0;
  });
});

afterAll(async () => {
  listener?.stop();
  await fixture?.stop();
  await redis?.proxy.stop();
});

async function direct(messages: number) {
  const [alice, bob] = (await fixture.users(2)) as [User, User];
  const conversationId = await fixture.direct(alice, bob);
  for (let i = 0; i < messages; i++) await fixture.send(alice, conversationId);
  return { alice, bob, conversationId };
}

/** Who was told to have received up to where, in a conversation. */
function told(conversationId: string): [string, bigint][] {
  return heard.flatMap((transient) =>
    transient.conversationId === conversationId && transient.kind.case === 'deliveredAdvanced'
      ? [[transient.actorId, transient.kind.value.number]]
      : [],
  );
}

describe('MarkDelivered', () => {
  test('is told to the delivery nodes, the newest alone when several come at once, and what changes nothing never', async () => {
    const { bob, conversationId } = await direct(9);
    const mark = (number: number) => bob.messages.markDelivered({ conversationId, number: BigInt(number) });
    for (let number = 1; number <= 9; number++) await mark(number);
    await until('the newest', () => told(conversationId).at(-1)?.[1] === 9n);
    const before = told(conversationId).length;
    expect(before).toBeLessThan(9);
    await mark(3);
    await mark(9);
    const other = await direct(1);
    await other.bob.messages.markDelivered({ conversationId: other.conversationId, number: 1n });
    await until('what came after', () => told(other.conversationId).length > 0);
    expect(told(conversationId)).toHaveLength(before);
    expect(new Set(told(conversationId).map(([userId]) => userId))).toEqual(new Set([bob.id]));
  });

  test('is told in conversations of up to 20 members, and in no larger one', async () => {
    const users = await fixture.users(21);
    const [owner, second] = users as [User, User];
    const small = await fixture.group(owner, users.slice(1, 20));
    const large = await fixture.group(owner, users.slice(1));
    for (const conversationId of [large, small]) {
      await fixture.send(owner, conversationId);
      expect(await second.messages.markDelivered({ conversationId, number: 1n })).toMatchObject({
        deliveredNumber: 1n,
      });
    }
    await until('the small one', () => told(small).length === 1);
    expect(told(large)).toEqual([]);
  });

  test('without Redis is stored all the same, and told of the next time', async () => {
    const { bob, conversationId } = await direct(2);
    redis.proxy.cut();
    await bob.messages.markDelivered({ conversationId, number: 1n });
    redis.proxy.restore();
    const { members } = await bob.conversations.listMembers({ conversationId });
    expect(members.find(({ userId }) => userId === bob.id)?.deliveredNumber).toBe(1n);
    await until(
      'it is told again',
      async () => {
        await fixture.send(bob, conversationId);
        const { messages } = await bob.messages.listMessages({ conversationId, pageSize: 1 });
        await bob.messages.markDelivered({ conversationId, number: messages.at(-1)?.number ?? 1n });
        return told(conversationId).length > 0;
      },
      10_000,
    );
  });
});
