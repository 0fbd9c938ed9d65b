import { randomUUID } from 'node:crypto';
import { recordedTelemetry, redisUrl, startProxyFor, startValkey, type TestValkey, until } from '@realchat/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRateLimiter, type RateLimiter } from '../limiter.ts';
import type { Charge } from '../pace.ts';
import type { Limit } from '../table.ts';

const LIMIT: Limit = { by: 'user', count: 1, seconds: 30, burst: 50 };
const LOGIN: Limit = { by: 'address', count: 1, seconds: 30, burst: 20, withoutRedis: 0.5 };

const started: RateLimiter[] = [];
afterEach(() => {
  for (const limiter of started.splice(0)) limiter.stop();
});

/** A limiter such as each process has, and what it counted. */
async function startLimiter(url: string, commandTimeoutMs = 2_000) {
  const telemetry = recordedTelemetry();
  const limiter = createRateLimiter({ redisUrl: url, commandTimeoutMs, ...telemetry });
  started.push(limiter);
  limiter.start();
  const value = async (name: string, labels: Record<string, string> = {}) =>
    ((await telemetry.metrics.getSingleMetric(name)?.get())?.values ?? [])
      .filter((each) => Object.entries(labels).every(([key, wanted]) => each.labels[key] === wanted))
      .reduce((sum, each) => sum + each.value, 0);
  await until('Redis answers', async () => (await value('realchat_rate_limit_fallback')) === 0);
  return { ...limiter, lines: telemetry.lines, value };
}

const chargeFor = (subject: string, limit: Limit = LIMIT): Charge => ({ name: 'user', limit, subject });

async function allowedOf(calls: number, limiters: RateLimiter[], ...charges: [Charge, ...Charge[]]): Promise<number> {
  const decisions = await Promise.all(
    Array.from({ length: calls }, (_, i) => (limiters[i % limiters.length] as RateLimiter).take(charges)),
  );
  return decisions.filter(({ allowed }) => allowed).length;
}

describe('with Redis', () => {
  test('S-57: of 100 parallel calls at the limit of 50, over five processes, 50 pass', async () => {
    const limiters = await Promise.all(Array.from({ length: 5 }, () => startLimiter(redisUrl())));
    const allowed = await allowedOf(100, limiters, chargeFor(randomUUID()));
    expect(Math.abs(allowed - 50)).toBeLessThanOrEqual(1);
    const source = await limiters[0]?.value('realchat_rate_limit_decisions_total', { source: 'process' });
    expect(source).toBe(0);
  });

  test('S-57: the limit of a user holds over ten addresses', async () => {
    const limiter = await startLimiter(redisUrl());
    const user = randomUUID();
    let allowed = 0;
    for (let i = 0; i < 10; i++) {
      const address: Charge = { name: 'address', limit: LIMIT, subject: `${user} from 10.0.0.${i}` };
      allowed += await allowedOf(10, [limiter], chargeFor(user), address);
    }
    expect(Math.abs(allowed - 50)).toBeLessThanOrEqual(1);
  });

  test('a call that one limit refuses is charged to none', async () => {
    const limiter = await startLimiter(redisUrl());
    const [full, other] = [chargeFor(randomUUID()), chargeFor(randomUUID())];
    expect(await allowedOf(50, [limiter], full)).toBe(50);
    expect(await allowedOf(30, [limiter], other, full)).toBeLessThanOrEqual(1);
    expect(await allowedOf(100, [limiter], other)).toBeGreaterThanOrEqual(49);
  });

  test('the time to come back is true, by the clock of Redis', async () => {
    const limiter = await startLimiter(redisUrl());
    const quick = chargeFor(randomUUID(), { by: 'user', count: 2, seconds: 1, burst: 3 });
    expect(await allowedOf(3, [limiter], quick)).toBe(3);
    const refused = await limiter.take([quick]);
    expect(refused).toMatchObject({ allowed: false, limit: 'user', source: 'redis' });
    expect(refused.retryAfterMs).toBeGreaterThan(300);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(500);
    const told = performance.now();
    let allowed = false;
    await until('it is allowed again', async () => (allowed = (await limiter.take([quick])).allowed));
    expect(allowed).toBe(true);
    expect(performance.now() - told).toBeGreaterThan(refused.retryAfterMs - 20);
  });

  test('what is given back can be had again', async () => {
    const limiter = await startLimiter(redisUrl());
    const charge = chargeFor(randomUUID());
    expect(await allowedOf(50, [limiter], charge)).toBe(50);
    await limiter.giveBack([charge]);
    expect(await allowedOf(10, [limiter], charge)).toBe(1);
  });
});

describe('without Redis', () => {
  let valkey: TestValkey;
  beforeAll(async () => {
    valkey = await startValkey();
  });
  afterAll(() => valkey.stop());

  test('S-58: a flood holds at most the limit times the processes, a login half of it, and a metric says so', async () => {
    const { proxy, address } = await startProxyFor(valkey.url);
    const limiters = await Promise.all(Array.from({ length: 3 }, () => startLimiter(address)));
    proxy.cut();
    await until(
      'the fallback is in force',
      async () =>
        (await Promise.all(limiters.map(({ value }) => value('realchat_rate_limit_fallback')))).join() === '1,1,1',
    );
    expect(await allowedOf(1_000, limiters, chargeFor(randomUUID()))).toBe(3 * 50);
    expect(await allowedOf(1_000, limiters, chargeFor(randomUUID(), LOGIN))).toBe(3 * 10);
    const [first] = limiters;
    const decided = (outcome: string) =>
      first?.value('realchat_rate_limit_decisions_total', { limit: 'user', outcome, source: 'process' });
    expect(await decided('allowed')).toBe(50 + 10);
    expect(await decided('refused')).toBeGreaterThan(500);
    const lines = first?.lines.filter(({ message }) => message === 'calls over a limit are refused') ?? [];
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(10);

    proxy.restore();
    await until('Redis decides again', async () => (await first?.take([chargeFor(randomUUID())]))?.source === 'redis');
    expect(await first?.value('realchat_rate_limit_fallback')).toBe(0);
    await proxy.stop();
  });

  test('S-58: a Redis that hangs costs a call one command time at most, and after three nobody waits', async () => {
    const { proxy, address } = await startProxyFor(valkey.url);
    const limiter = await startLimiter(address, 100);
    const user = chargeFor(randomUUID());
    expect(await allowedOf(40, [limiter], user)).toBe(40);
    proxy.freeze();
    const timed = async () => {
      const begin = performance.now();
      const decision = await limiter.take([user]);
      return { ms: performance.now() - begin, ...decision };
    };
    for (let i = 0; i < 3; i++) {
      const decision = await timed();
      expect(decision).toMatchObject({ allowed: true, source: 'process' });
      expect(decision.ms).toBeLessThan(400);
    }
    expect(await limiter.value('realchat_rate_limit_fallback')).toBe(1);
    const begin = performance.now();
    // What Redis allowed before counts on: 40 and 3 of 50.
    expect(await allowedOf(100, [limiter], user)).toBe(7);
    expect(performance.now() - begin).toBeLessThan(90);
    proxy.restore();
    await until('Redis decides again', async () => (await limiter.take([chargeFor(randomUUID())])).source === 'redis');
    await proxy.stop();
  });
});
