import { randomUUID } from 'node:crypto';
import { silentTelemetry, startProxyFor, startValkey, type TestValkey, until } from '@realchat/testkit';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHANNEL, HELD_MS, STORED_KEY } from '../held.ts';
import { createRevocations, type Revocations } from '../revocations.ts';
import { createRevoker, type Revoker } from '../revoker.ts';

let valkey: TestValkey;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  valkey = await startValkey();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});
afterAll(() => valkey.stop());

async function reader(url = valkey.url): Promise<Revocations & { heard: string[] }> {
  const revocations = createRevocations({ redisUrl: url, ...silentTelemetry() });
  const heard: string[] = [];
  revocations.onRevoked((sessionId) => heard.push(sessionId));
  await revocations.start();
  stops.push(() => revocations.stop());
  return { ...revocations, heard };
}

async function writer(url = valkey.url, endedLately: string[] = []): Promise<Revoker> {
  const revoker = createRevoker({
    redisUrl: url,
    endedLately: () => Promise.resolve(endedLately),
    ...silentTelemetry(),
  });
  revoker.start();
  stops.push(() => revoker.stop());
  return revoker;
}

/** Asks again until Redis takes it. */
const told = (revoker: Revoker, ...sessionIds: string[]) =>
  until('it is told', () =>
    revoker.revoke(sessionIds).then(
      () => true,
      () => false,
    ),
  );

const known = (revocations: Revocations, sessionId: string, deadlineMs = 2_000) =>
  until('it is known', () => revocations.isRevoked(sessionId), deadlineMs);

describe('a session that ended', () => {
  test('is known everywhere within 2 s, and told to each listener once', async () => {
    const readers = [await reader(), await reader(), await reader()];
    const revoker = await writer();
    const [first, second] = [randomUUID(), randomUUID()];
    await told(revoker, first, second);
    await told(revoker, first);
    for (const each of readers) {
      await known(each, first);
      await known(each, second);
    }
    const next = randomUUID();
    await told(revoker, next);
    for (const each of readers) {
      await known(each, next);
      expect(each.heard.filter((id) => id === first)).toHaveLength(1);
      expect(each.isRevoked(randomUUID())).toBe(false);
    }
  });

  test('is known to a process from its start', async () => {
    const sessionId = randomUUID();
    await told(await writer(), sessionId);
    expect((await reader()).isRevoked(sessionId)).toBe(true);
  });

  test('is known without having been heard of: what is stored is read all the same', async () => {
    const revocations = await reader();
    const redis = new Redis(valkey.url);
    const sessionId = randomUUID();
    await redis.zadd(STORED_KEY, Date.now(), sessionId);
    await known(revocations, sessionId);
    redis.disconnect();
  });

  test('is stored for as long as its tokens could live, and no longer', async () => {
    const redis = new Redis(valkey.url);
    const old = randomUUID();
    await redis.zadd(STORED_KEY, Date.now() - HELD_MS - 1_000, old);
    await told(await writer(), randomUUID());
    expect(await redis.zscore(STORED_KEY, old)).toBeNull();
    const life = await redis.pttl(STORED_KEY);
    expect(life).toBeGreaterThan(HELD_MS - 10_000);
    expect(life).toBeLessThanOrEqual(HELD_MS);
    redis.disconnect();
  });
});

describe('with Redis away', () => {
  test('what was known stays known; what ended meanwhile is known within 2 s of its return', async () => {
    const { proxy, address } = await startProxyFor(valkey.url);
    stops.push(() => proxy.stop());
    const revocations = await reader(address);
    const revoker = await writer();
    const [before, meanwhile] = [randomUUID(), randomUUID()];
    await told(revoker, before);
    await known(revocations, before);

    proxy.cut();
    await told(revoker, meanwhile);
    expect(revocations.isRevoked(before)).toBe(true);
    expect(revocations.isRevoked(meanwhile)).toBe(false);
    proxy.restore();
    await known(revocations, meanwhile);
    const after = randomUUID();
    await told(revoker, after);
    await known(revocations, after);
  });

  test('what ended while the wire hung is known when it flows again', async () => {
    const { proxy, address } = await startProxyFor(valkey.url);
    stops.push(() => proxy.stop());
    const revocations = await reader(address);
    proxy.freeze();
    const meanwhile = randomUUID();
    await told(await writer(), meanwhile);
    proxy.restore();
    await known(revocations, meanwhile, 5_000);
  });

  test('a process starts all the same, and nobody waits for more than a moment', async () => {
    const nowhere = 'redis://127.0.0.1:1/0';
    const begin = performance.now();
    const revocations = await reader(nowhere);
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(revocations.isRevoked(randomUUID())).toBe(false);
    const revoker = await writer(nowhere);
    const asked = performance.now();
    await revoker.tryToRevoke([randomUUID()]);
    await expect(revoker.revoke([randomUUID()])).rejects.toThrow();
    expect(performance.now() - asked).toBeLessThan(100);
  });

  test('a Redis that hangs holds nobody up for longer than about 100 ms', async () => {
    const { proxy, address } = await startProxyFor(valkey.url);
    stops.push(() => proxy.stop());
    const revoker = await writer(address);
    await told(revoker, randomUUID());
    proxy.freeze();
    const begin = performance.now();
    await revoker.tryToRevoke([randomUUID()]);
    expect(performance.now() - begin).toBeLessThan(300);
  });
});

test('a Redis that was killed and lost everything gets back what ended lately, and those who listen go on', async () => {
  const lost = randomUUID();
  const ended = [lost];
  const revocations = await reader();
  const revoker = await writer(valkey.url, ended);
  await known(revocations, lost);

  await valkey.process.kill();
  const meanwhile = randomUUID();
  ended.push(meanwhile);
  await known(revocations, meanwhile, 20_000);
  const redis = new Redis(valkey.url);
  await redis.flushall();
  redis.disconnect();
  await valkey.process.kill();
  const later = randomUUID();
  ended.push(later);
  await known(revocations, later, 20_000);
  expect((await reader()).isRevoked(lost)).toBe(true);
  await told(revoker, randomUUID());
});

test('what is published by others and means nothing harms nobody', async () => {
  const revocations = await reader();
  const redis = new Redis(valkey.url);
  for (const message of ['', ' ', '\0', 'x'.repeat(100_000)]) await redis.publish(CHANNEL, message);
  redis.disconnect();
  const sessionId = randomUUID();
  await told(await writer(), sessionId);
  await known(revocations, sessionId);
});
