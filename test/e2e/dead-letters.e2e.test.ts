import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from '@realchat/db';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { createTelemetry } from '@realchat/telemetry';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { type Crowd, gatherCrowd } from './support/crowd.ts';
import { slowestBeside } from './support/even-load.ts';
import { linesWith } from './support/logs.ts';
import { useMesh } from './support/mesh.ts';
import { loginAsNobody, makeOperator } from './support/operator.ts';
import { inject, sendUnacceptable } from './support/plain-kafka.ts';
import { GARBAGE, poisonForAccounts, poisonForDelivery } from './support/poison.ts';
import { realchat, realchatJson } from './support/realchat.ts';
import { countDeadLetters, readDeadLetters } from './support/topic.ts';

const PASSWORD = newPassword();
const WORDS = 'for members alone';
const PER_SECOND = 200;
const DOWN_MS = 10_000;

const mesh = useMesh();
const folder = mkdtempSync(join(tmpdir(), 'realchat-dlq-'));
let profiles: Pool;
let taken: User;
let crowd: Crowd;

beforeAll(async () => {
  const { log } = createTelemetry({ service: 'test', instance: 'test', level: 'silent' });
  profiles = createPool({ url: mesh().stack.environment('profile').DATABASE_URL ?? '', size: 1, name: 'e2e', log });
  taken = await newUser();
  await until('the profile is there', async () => (await taken.findUser(taken.username)) === taken.userId, 20_000);
});
afterAll(async () => {
  await Promise.all([crowd?.close(), taken?.close(), profiles?.end()]);
  rmSync(folder, { recursive: true, force: true });
});

async function newUser(): Promise<User> {
  const user = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await user.register(newUsername(), PASSWORD);
  return user;
}

const dlq = (...args: string[]) => realchatJson(mesh(), folder, ['dlq', ...args]);

test('whoever may reach the database makes the first operator, and nobody else sees a dead letter', async () => {
  await loginAsNobody(mesh(), folder);
  expect(await realchat(mesh(), folder, ['dlq', 'list'])).toMatchObject({ exitCode: 1, stdout: '' });
  await makeOperator(mesh(), folder);
  expect(await dlq('list')).toEqual([]);
});

test('an outage makes no dead letter: what could not be handled meanwhile is handled afterwards', async () => {
  const { stack } = mesh();
  // Records that wait for their consumer when its database goes.
  await stack.process('profile').kill('SIGKILL', { restart: false });
  const waiting = await Promise.all(Array.from({ length: 5 }, newUser));
  await stack.process('postgres').kill('SIGKILL', { restart: false });
  const profileBack = stack.process('profile').start();
  profileBack.catch(() => {});
  const failures = () =>
    readMetric(mesh(), 'profile', 'eventlog_handler_failures_total', { verdict: 'dependency' }).catch(() => 0);
  await until('profile has tried and waits', async () => (await failures()) > 2, 40_000);
  await delay(DOWN_MS);
  await stack.process('postgres').start();
  await profileBack;
  const found = async (user: User) => (await taken.findUser(user.username).catch(() => undefined)) === user.userId;
  for (const user of waiting) await until('the profile is made', () => found(user), 30_000);

  // Redis is what tells of sessions that end.
  await stack.process('valkey').kill('SIGKILL', { restart: false });
  await waiting[0]?.caller.unary(AuthService.method.logout, {}, { token: waiting[0].accessToken }).catch(() => {});
  await delay(DOWN_MS / 2);
  await stack.process('valkey').start();

  // Kafka, with readers that hold records.
  await stack.process('kafka').kill('SIGKILL', { restart: false });
  const late = await newUser();
  await delay(DOWN_MS / 2);
  await stack.process('kafka').start();
  await until('the profile is made', () => found(late), 60_000);

  expect(Object.values(await countDeadLetters(mesh()))).toEqual([0, 0]);
  expect(await dlq('list')).toEqual([]);
  await Promise.all([...waiting, late].map((user) => user.close()));
});

test('poison of every kind under load: the dead letters are exactly what was injected, and the chat is unharmed', async () => {
  const { poison: ofAccounts, mendable } = poisonForAccounts(taken.username);
  const poison = [...poisonForDelivery(), ...ofAccounts, mendable];
  crowd = await gatherCrowd(mesh(), 12, 4);
  crowd.talk(PER_SECOND, WORDS);
  const talkingAt = performance.now();
  await until('messages flow', () => crowd.acked.length > 5 * PER_SECOND, 60_000);
  const injectedAt = performance.now();
  const ids = await inject(
    mesh(),
    poison.map(({ record }) => record),
  );
  const refused = await sendUnacceptable(mesh());
  expect(refused[0]).toBe('MESSAGE_TOO_LARGE');
  expect(refused[1]).not.toBe('accepted');

  const listed = await until(
    'all are listed',
    async () => {
      const letters = await dlq('list', '--state', 'open');
      const whole = letters.length === ids.length && letters.every(isWhole);
      return whole && letters;
    },
    60_000,
  );
  const expected = new Map(ids.map((id, i) => [id, poison[i]]));
  function isWhole({ deadLetterId, readers }: Record<string, unknown>): boolean {
    return (
      (readers as string[]).length >=
      (new Map(ids.map((id, i) => [id, poison[i]])).get(String(deadLetterId))?.readers.length ?? 0)
    );
  }
  for (const { deadLetterId, errorClass, readers } of listed) {
    const { errorClasses, readers: by } = expected.get(String(deadLetterId)) ?? {};
    expect([deadLetterId, readers]).toEqual([deadLetterId, by]);
    expect(errorClasses).toContain(errorClass);
  }
  // In the topics themselves, where no index has had a say: these and no other.
  expect([...new Set(await readDeadLetters(mesh()))].toSorted()).toEqual(ids.toSorted());
  const acked = crowd.acked.length;
  await until('messages still flow', () => crowd.acked.length > acked + 5 * PER_SECOND, 60_000);
  const quietAt = performance.now();
  await crowd.hush();
  const [before, beside] = [crowd.pace(talkingAt, injectedAt), crowd.pace(injectedAt, quietAt)];
  const perSecond = Math.round(crowd.acked.length / ((quietAt - talkingAt) / 1_000));
  process.stdout.write(
    `${perSecond} messages/s; p99 before the poison and beside it: acked ${before.ackMs} and ${beside.ackMs} ms, shown ${before.shownMs} and ${beside.shownMs} ms\n`,
  );
  expect(beside.ackMs).toBeLessThan(slowestBeside(before.ackMs));
  expect(beside.shownMs).toBeLessThan(slowestBeside(before.shownMs));

  // The mend: whoever had the name gives it up. Then the record is as good as it always was.
  await profiles.query('update profile set username = $2 where user_id = $1', [taken.userId, newUsername()]);
  const mendableId = ids.at(-1) ?? '';
  expect(await dlq('replay', mendableId, '--dry-run')).toMatchObject([{ result: 'would-replay' }]);
  expect(await dlq('replay', mendableId)).toMatchObject([{ deadLetterId: mendableId, result: 'replayed' }]);
  await until('the profile is made', async () => {
    const { rowCount } = await profiles.query('select 1 from profile where user_id = $1', [mendable.userId]);
    return rowCount === 1;
  });
  expect(await dlq('replay', mendableId)).toMatchObject([{ result: 'not-open' }]);

  // One that was not mended comes back, with its history.
  const [stubborn = ''] = ids;
  const [first] = await dlq('show', stubborn);
  await dlq('replay', stubborn);
  const back = await until(
    'it is back',
    async () => {
      const [letter] = await dlq('show', stubborn);
      return letter?.['state'] === 'open' && letter['replays'] === 1 && letter;
    },
    20_000,
  );
  expect(back).toMatchObject({ attempts: 2, firstAttemptTime: first?.['firstAttemptTime'] });

  const rest = ids.filter((id) => id !== mendableId);
  const discarded = await dlq('discard', ...rest, '--reason', 'made by a test');
  expect(discarded.map(({ deadLetterId, state }) => [deadLetterId, state])).toEqual(
    rest.map((id) => [id, 'discarded']),
  );
  expect(await dlq('list', '--state', 'open')).toEqual([]);
  await until(
    'none is measured',
    async () => (await readMetric(mesh(), 'operations', 'realchat_dead_letters_open')) === 0,
  );

  // What everyone was shown is what was said, each once and in order.
  await until('everything is shown', () => crowd.problems().length === 0, 30_000).catch(() => {});
  expect(crowd.problems()).toEqual([]);
});

test('no log of any process or engine, and no dead letter in a list, has quoted a message, a password, a token or a record', async () => {
  const tokens = [taken.accessToken, taken.refreshToken];
  const secrets = [WORDS, GARBAGE, PASSWORD, ...tokens];
  expect(secrets.every((secret) => secret.length > 10)).toBe(true);
  expect(await linesWith(mesh(), secrets)).toEqual([]);
  // The logs are where they were looked for.
  expect((await linesWith(mesh(), ['a record was dead-lettered'])).length).toBeGreaterThan(0);
  const letters = JSON.stringify(await dlq('list'));
  expect(secrets.filter((secret) => letters.includes(secret))).toEqual([]);
});
