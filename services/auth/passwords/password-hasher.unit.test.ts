import { Registry } from '@realchat/telemetry';
import { expect, test } from 'vitest';
import { createPasswordHasher } from './password-hasher.ts';

const hasher = createPasswordHasher({ maxWaiting: 100, metrics: new Registry() });
const PASSWORD = 'correct horse battery staple';

test('S-49: a hash is argon2id with 19 MiB, two passes, one lane, and a salt of its own', async () => {
  const [one, two] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(two).not.toBe(one);
});

test('a password matches its own hash alone, to the last character and past a NUL', async () => {
  const hash = await hasher.hash(`${PASSWORD}\0one`);
  expect(await hasher.verify(hash, `${PASSWORD}\0one`)).toBe(true);
  expect(await hasher.verify(hash, `${PASSWORD}\0two`)).toBe(false);
  expect(await hasher.verify(hash, PASSWORD)).toBe(false);
  const long = await hasher.hash(`${'long '.repeat(25)}end`);
  expect(await hasher.verify(long, `${'long '.repeat(25)}END`)).toBe(false);
});

test('one text in two Unicode forms is one password', async () => {
  const composed = 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e';
  expect(await hasher.verify(await hasher.hash(composed), composed.normalize('NFD'))).toBe(true);
});

test("nobody's hash matches no password", async () => {
  expect(await hasher.verify(undefined, PASSWORD)).toBe(false);
  expect(await hasher.verify(undefined, '')).toBe(false);
});

test('a hash with other parameters still matches, and is outdated', async () => {
  const weaker = createPasswordHasher({
    maxWaiting: 1,
    metrics: new Registry(),
    parameters: { memoryCost: 8_192, timeCost: 1, parallelism: 1 },
  });
  const old = await weaker.hash(PASSWORD);
  expect(await hasher.verify(old, PASSWORD)).toBe(true);
  expect(hasher.isOutdated(old)).toBe(true);
  expect(hasher.isOutdated(await hasher.hash(PASSWORD))).toBe(false);
});

test('S-50: beyond the queue, a hash is refused with the time to come back', async () => {
  const small = createPasswordHasher({ maxWaiting: 2, metrics: new Registry() });
  const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => small.verify(undefined, PASSWORD)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
  expect(refused.length).toBeGreaterThan(190);
  expect(refused.length).toBeLessThan(200);
  for (const reason of refused) {
    expect(reason).toMatchObject({ reason: 'LOGIN_QUEUE_FULL', facts: { retryAfterMs: expect.any(Number) } });
  }
});
