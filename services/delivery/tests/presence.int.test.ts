import { randomUUID } from 'node:crypto';
import { openConnection } from '@realchat/redis';
import {
  refusalOf,
  silentTelemetry,
  startKafka,
  startProxyFor,
  startValkey,
  type TestKafka,
  type TestValkey,
  until,
} from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stateName } from './presence-state.ts';
import { type Stage, startStage } from './stage.ts';
import type { StageNode } from './stage-node.ts';
import type { Stream, WatchStream } from './stream-client.ts';

const LEASE_MS = 2_500;
const PATIENCE_MS = 2_500;

let kafka: TestKafka;
let valkey: TestValkey;
let redis: Awaited<ReturnType<typeof startProxyFor>>;
let stage: Stage;
let one: StageNode;
let two: StageNode;
const open: (Stream | WatchStream)[] = [];

beforeAll(async () => {
  [kafka, valkey] = await Promise.all([startKafka(), startValkey()]);
  redis = await startProxyFor(valkey.url);
  stage = await startStage(kafka, {
    REDIS_URL: redis.address,
    PRESENCE_LEASE_MS: String(LEASE_MS),
    PRESENCE_PATIENCE_MS: String(PATIENCE_MS),
    MAX_WATCHES_PER_USER: '2',
  });
  one = stage.node;
  two = await stage.anotherNode();
});

afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

afterAll(async () => {
  await stage?.stop();
  await redis?.proxy.stop();
  await Promise.all([kafka?.stop(), valkey?.stop()]);
});

/** With a stream that is open and whole. Its lease is written a moment later. */
async function connected(node: Pick<StageNode, 'open'>, userId: string, deviceId = 'phone'): Promise<Stream> {
  const stream = await node.open(userId, undefined, { did: deviceId });
  open.push(stream);
  await stream.caughtUp();
  return stream;
}

/** Connected, and known to be. */
async function online(node: Pick<StageNode, 'open'>, userId: string, deviceId = 'phone'): Promise<Stream> {
  const stream = await connected(node, userId, deviceId);
  await until('the lease is written', async () => (await presenceOf(one, userId, [userId]))[userId] === 'ONLINE');
  return stream;
}

async function watching(node: StageNode, userId: string, userIds: string[] = []): Promise<WatchStream> {
  const stream = await node.watch(userId, userIds);
  open.push(stream);
  return stream;
}

/** Who GetPresence says is what. */
async function presenceOf(node: StageNode, userId: string, userIds: string[]): Promise<Record<string, unknown>> {
  const { presences } = await (await node.as(userId)).getPresence({ userIds });
  return Object.fromEntries(presences.map((presence) => [presence.userId, stateName(presence.state)]));
}

/** Several users in one group. */
function group(count: number): { users: string[]; conversationId: string } {
  const users = Array.from({ length: count }, () => randomUUID());
  return { users, conversationId: stage.converse(users) };
}

describe('presence', () => {
  test('of a user is seen from every node, with when they were last seen once they are offline', async () => {
    const { users } = group(2);
    const [alice, bob] = users as [string, string];
    const [here, there] = [await watching(one, alice, [bob]), await watching(two, alice, [bob])];
    await Promise.all([here.tells(bob, 'OFFLINE'), there.tells(bob, 'OFFLINE')]);
    const ofBob = await online(one, bob);
    await Promise.all([here.tells(bob, 'ONLINE', 1_000), there.tells(bob, 'ONLINE', 1_000)]);
    for (const node of [one, two]) expect(await presenceOf(node, alice, [bob])).toEqual({ [bob]: 'ONLINE' });
    const before = Date.now();
    ofBob.close();
    await Promise.all([here.tells(bob, 'OFFLINE'), there.tells(bob, 'OFFLINE')]);
    expect(Date.now() - before).toBeGreaterThanOrEqual(PATIENCE_MS - 100);
    const { presences } = await (await two.as(alice)).getPresence({ userIds: [bob] });
    const seen = Number(presences[0]?.lastSeenTime?.seconds ?? 0n) * 1_000;
    expect(Math.abs(seen - before)).toBeLessThan(2_000);
    expect(here.toldOf(bob)).toEqual(['OFFLINE', 'ONLINE', 'OFFLINE']);
  });

  test('does not change by a reconnect within the patience, on the same node or on another', async () => {
    const { users } = group(2);
    const [alice, bob] = users as [string, string];
    const first = await online(one, bob);
    const watch = await watching(two, alice, [bob]);
    await watch.tells(bob, 'ONLINE');
    first.close();
    const closed = performance.now();
    await until('much of the patience is over', () => performance.now() - closed > PATIENCE_MS / 2);
    const second = await online(two, bob);
    second.close();
    await online(one, bob);
    const left = performance.now();
    await until('patience and a poll are over', () => performance.now() - left > 2 * PATIENCE_MS, 10_000);
    expect(watch.toldOf(bob)).toEqual(['ONLINE']);
  });

  test('lasts until the last session of the last device has ended', async () => {
    const { users } = group(2);
    const [alice, bob] = users as [string, string];
    const sessions = [await online(one, bob), await online(one, bob), await online(two, bob, 'laptop')];
    const watch = await watching(one, alice, [bob]);
    await watch.tells(bob, 'ONLINE');
    for (const session of sessions.slice(0, 2)) session.close();
    await until('one is left', async () => (await one.counted('realchat_delivery_present_users')) === 0);
    const left = performance.now();
    await until('the patience is over', () => performance.now() - left > PATIENCE_MS + 500, 10_000);
    expect(watch.toldOf(bob)).toEqual(['ONLINE']);
    sessions[2]?.close();
    await watch.tells(bob, 'OFFLINE');
  });

  test('of those whose node is killed ends within a lease and the patience; of the others it stays', async () => {
    const { users } = group(4);
    const [alice, bob, carol, dave] = users as [string, string, string, string];
    const doomed = await stage.processNode();
    await online(doomed, bob);
    await online(doomed, carol);
    await online(two, dave);
    const watch = await watching(one, alice, [bob, carol, dave]);
    await Promise.all([bob, carol, dave].map((user) => watch.tells(user, 'ONLINE')));
    const killed = performance.now();
    doomed.kill();
    await online(two, carol);
    await watch.tells(bob, 'OFFLINE', LEASE_MS + PATIENCE_MS);
    expect(performance.now() - killed).toBeLessThan(LEASE_MS + PATIENCE_MS);
    expect(watch.toldOf(carol)).toEqual(['ONLINE']);
    expect(watch.toldOf(dave)).toEqual(['ONLINE']);
    expect(await presenceOf(two, alice, [bob, carol, dave])).toEqual({
      [bob]: 'OFFLINE',
      [carol]: 'ONLINE',
      [dave]: 'ONLINE',
    });
  });

  test('is whole again within a heartbeat of FLUSHALL, and nobody is told that anyone was away', async () => {
    const { users } = group(3);
    const [alice, bob, carol] = users as [string, string, string];
    await online(one, bob);
    await online(two, carol);
    const watch = await watching(two, alice, [bob, carol]);
    await Promise.all([bob, carol].map((user) => watch.tells(user, 'ONLINE')));
    const admin = openConnection({
      url: valkey.url,
      name: 'test',
      commandTimeoutMs: 1_000,
      log: silentTelemetry().log,
    });
    await admin.connect();
    try {
      await admin.flushall();
      await until(
        'both are stored again',
        async () => {
          const found = await presenceOf(one, alice, [bob, carol]).catch(() => ({}) as Record<string, unknown>);
          return found[bob] === 'ONLINE' && found[carol] === 'ONLINE';
        },
        LEASE_MS / 5 + 1_000,
      );
      const since = performance.now();
      await until('a poll of all', () => performance.now() - since > PATIENCE_MS, 10_000);
      expect([watch.toldOf(bob), watch.toldOf(carol)]).toEqual([['ONLINE'], ['ONLINE']]);
    } finally {
      admin.disconnect();
    }
  });

  test('that a node takes with it when it stops is offline after the patience', async () => {
    const { users } = group(2);
    const [alice, bob] = users as [string, string];
    const third = await stage.anotherNode();
    const ofBob = await online(third, bob);
    const watch = await watching(one, alice, [bob]);
    await watch.tells(bob, 'ONLINE');
    await third.stop();
    expect(await ofBob.refusal()).toMatchObject({ code: 'UNAVAILABLE', reason: 'DRAINING' });
    await watch.tells(bob, 'OFFLINE', PATIENCE_MS + 2_000);
  });
});

describe('S-13: presence is seen', () => {
  test('by those who share a conversation at present: owner and member; by no ex-member, stranger or nobody', async () => {
    const [owner, member, former, stranger] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const conversationId = stage.converse([owner, member, former]);
    stage.memory.remove(conversationId, former);
    await online(one, owner);
    await online(two, member);
    const of = [owner, member, former, stranger];
    const insiders = { [owner]: 'ONLINE', [member]: 'ONLINE' };
    expect(await presenceOf(one, owner, of)).toEqual(insiders);
    expect(await presenceOf(two, member, of)).toEqual(insiders);
    expect(await presenceOf(one, former, of)).toEqual({ [former]: 'OFFLINE' });
    expect(await presenceOf(one, stranger, [...of, randomUUID()])).toEqual({ [stranger]: 'OFFLINE' });
    expect(await presenceOf(one, owner, [member.toUpperCase()])).toEqual({ [member]: 'ONLINE' });
    expect(await refusalOf(one.anonymous().getPresence({ userIds: of }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_MISSING',
    });

    const watches = await Promise.all([owner, member, former, stranger].map((user) => watching(one, user, of)));
    await Promise.all(watches.slice(0, 2).map((watch) => watch.tells(owner, 'ONLINE')));
    await watches[2]?.tells(former, 'OFFLINE');
    await watches[3]?.tells(stranger, 'OFFLINE');
    const told = watches.map((watch) => [owner, member, former, stranger].map((user) => watch.toldOf(user).length));
    expect(told).toEqual([
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
    const nobody = one.watchWithToken('');
    expect(await nobody.refusal()).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' });
  });

  test('from the moment that one comes to share a conversation, and no more from when one ceases to', async () => {
    const [alice, bob, carol] = [randomUUID(), randomUUID(), randomUUID()];
    const conversationId = stage.converse([alice]);
    const ofBob = await online(one, bob);
    const watch = await watching(two, alice, [bob, carol]);
    await until('alice is connected', async () => (await presenceOf(two, alice, [alice]))[alice] !== undefined);
    stage.memory.add(conversationId, bob);
    await watch.tells(bob, 'ONLINE');
    stage.memory.remove(conversationId, bob);
    await watch.tells(bob, 'UNSPECIFIED');
    ofBob.close();
    await until('bob has gone', async () => (await presenceOf(one, bob, [bob]))[bob] === 'OFFLINE');
    expect(watch.toldOf(bob)).toEqual(['ONLINE', 'UNSPECIFIED']);
    expect(watch.toldOf(carol)).toEqual([]);
    // The one who watches leaves.
    stage.memory.add(conversationId, bob);
    await watch.tells(bob, 'OFFLINE');
    stage.memory.remove(conversationId, alice);
    await watch.tells(bob, 'UNSPECIFIED');
  });

  test('while two conversations are shared, also when one of them ends', async () => {
    const { users, conversationId } = group(2);
    const [alice, bob] = users as [string, string];
    stage.converse([alice, bob]);
    await online(one, bob);
    const watch = await watching(one, alice, [bob]);
    await watch.tells(bob, 'ONLINE');
    stage.memory.remove(conversationId, bob);
    // Muted until it is known, and then goes on: the next change comes through.
    open[0]?.close();
    await watch.tells(bob, 'OFFLINE');
    expect(watch.toldOf(bob)).toEqual(['ONLINE', 'OFFLINE']);
  });

  test('of the other sides of direct conversations without asking, old ones and those that are made later', async () => {
    const [alice, bob, carol] = [randomUUID(), randomUUID(), randomUUID()];
    const direct = (peer: string) => stage.messaging.directs.set(stage.converse([alice, peer]), [alice, peer]);
    direct(bob);
    await online(one, bob);
    await online(one, carol);
    const watch = await watching(two, alice);
    await watch.tells(bob, 'ONLINE');
    expect(watch.toldOf(carol)).toEqual([]);
    const id = randomUUID();
    stage.messaging.directs.set(id, [alice, carol]);
    stage.memory.create(id, 3, [alice, carol]);
    await watch.tells(carol, 'ONLINE');
  });

  test('S-60: of at most 100 users at once, by at most so many streams', async () => {
    const many = Array.from({ length: 101 }, () => randomUUID());
    const alice = randomUUID();
    const refusal = await refusalOf((await one.as(alice)).getPresence({ userIds: many }));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['user_ids'] });
    expect(await (await watching(one, alice, many)).refusal()).toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (let i = 0; i < 2; i++) await (await watching(one, alice, [alice])).tells(alice, 'OFFLINE');
    const third = await (await watching(one, alice, [alice])).refusal();
    expect(third).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_STREAMS' });
    expect(third.retryAfterMs).toBeGreaterThan(0);
  });
});

describe('a watch', () => {
  test('ends with its token', async () => {
    const alice = randomUUID();
    const short = await one.watch(alice, [alice], { exp: Math.floor(Date.now() / 1_000) + 2 });
    open.push(short);
    await short.tells(alice, 'OFFLINE');
    expect(await short.refusal()).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
  });

  test('with Redis away is UNAVAILABLE for now, as GetPresence is; events go on, and presence is true again after it', async () => {
    const { users, conversationId } = group(2);
    const [alice, bob] = users as [string, string];
    const ofBob = await online(one, bob);
    const watch = await watching(two, alice, [bob]);
    await watch.tells(bob, 'ONLINE');
    redis.proxy.cut();
    const refusal = await refusalOf((await two.as(alice)).getPresence({ userIds: [bob] }));
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'DEPENDENCY_UNAVAILABLE' });
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    expect(await (await watching(two, alice, [bob])).refusal()).toMatchObject({ code: 'UNAVAILABLE' });

    stage.memory.message(conversationId, 'without Redis');
    await ofBob.received(1);
    const late = await connected(two, alice);
    stage.memory.message(conversationId, 'and another');
    await late.received(1);
    expect((await one.ops('/readyz')).ok).toBe(true);
    ofBob.close();
    late.close();
    redis.proxy.restore();
    await watch.tells(bob, 'OFFLINE', 15_000);
    expect(watch.toldOf(bob)).toEqual(['ONLINE', 'OFFLINE']);
  });
});
