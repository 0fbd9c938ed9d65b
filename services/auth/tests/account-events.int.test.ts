import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { hostPorts } from '@realchat/config';
import { ACCOUNT_EVENTS, coordinatesOf, createEventLog, type EventLog, type EventRecord } from '@realchat/eventlog';
import { type AccountEvent, AccountEventSchema, SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { newTrace } from '@realchat/telemetry';
import { createTestEventLog, refusalOf, silentTelemetry, startKafka, until } from '@realchat/testkit';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';
import { toDate } from './time.ts';

interface Published {
  record: EventRecord;
  event: AccountEvent;
}

/** Reads the whole topic, from its start and on, into a list in the order of each partition. */
function readTopic(eventLog: EventLog): Published[] {
  const published: Published[] = [];
  const seen = new Set<string>();
  eventLog.consume({
    group: `test-${randomUUID()}`,
    topic: ACCOUNT_EVENTS.name,
    eachRecord(record) {
      // The group may get a record again, and others write to the topic, too.
      if (record.headers.text('user-id') && !seen.has(coordinatesOf(record)))
        published.push({ record, event: fromBinary(AccountEventSchema, record.value ?? new Uint8Array()) });
      seen.add(coordinatesOf(record));
      return Promise.resolve();
    },
  });
  return published;
}

describe('account events', () => {
  let fixture: AuthFixture;
  let eventLog: EventLog;
  let published: Published[];
  const of = (userId: string) => published.filter(({ event }) => event.userId === userId);

  beforeAll(async () => {
    eventLog = await createTestEventLog();
    fixture = await startAuth();
    published = readTopic(eventLog);
  });
  afterAll(async () => {
    await fixture.stop();
    await eventLog.stop();
  });

  test('of an account come in order, whole, under its key, with the trace of the call that made them', async () => {
    const username = someUsername();
    const traces = [newTrace(), newTrace(), newTrace()] as const;
    const begin = Date.now();
    const first = await fixture.auth.register({ username, password: PASSWORD }, { trace: traces[0] });
    const { userId } = first;
    const second = await fixture.auth.login({ username, password: PASSWORD });
    await fixture.auth.logout({ refreshToken: second.refreshToken }, { trace: traces[1] });
    const { refreshToken } = await fixture.auth.refreshSession({ refreshToken: first.refreshToken });
    await fixture.auth.refreshSession({ refreshToken });
    await refusalOf(fixture.auth.refreshSession({ refreshToken: first.refreshToken }, { trace: traces[2] }));

    await until('three events are published', () => of(userId).length >= 3);
    const sessions = [first, second].map(({ accessToken }) => decodeJwt(accessToken)['sid']);
    expect(of(userId).map(({ event }) => event.change)).toMatchObject([
      { case: 'registered', value: { username } },
      { case: 'sessionEnded', value: { sessionId: sessions[1], reason: SessionEndReason.LOGOUT } },
      { case: 'sessionEnded', value: { sessionId: sessions[0], reason: SessionEndReason.REFRESH_REUSE } },
    ]);

    const { rows } = await fixture.db.query<{ shard: number }>('select shard from account where user_id = $1', [
      userId,
    ]);
    let position = 0n;
    let time = begin - 1_000;
    for (const [index, { record, event }] of of(userId).entries()) {
      expect(record.partition).toBe(rows[0]?.shard);
      expect(Buffer.from(record.key ?? []).toString()).toBe(userId);
      expect(event.position).toBeGreaterThan(position);
      expect(toDate(event.createTime).getTime()).toBeGreaterThanOrEqual(time);
      position = event.position;
      time = toDate(event.createTime).getTime();
      expect(record.headers.text('position')).toBe(String(event.position));
      expect(record.headers.text('type')).toBe(event.change.case);
      expect(record.headers.text('shard')).toBe(String(record.partition));
      expect(record.headers.text('traceparent')).toMatch(new RegExp(`^00-${traces[index]?.traceId}-[0-9a-f]{16}-01$`));
    }
    expect(time).toBeLessThan(Date.now() + 1_000);
  });

  test('of two instances with one database are gapless and in order, also when one of them stops', async () => {
    const other = await startAuth({ DATABASE_URL: fixture.databaseUrl });
    const register = (instance: AuthFixture) =>
      instance.auth.register({ username: someUsername(), password: PASSWORD });
    await Promise.all(Array.from({ length: 20 }, (_, index) => register(index % 2 ? fixture : other)));
    await other.stop();
    await Promise.all(Array.from({ length: 10 }, () => register(fixture)));

    const { rows } = await fixture.db.query<{ user_id: string }>('select distinct user_id from account_event');
    const ours = new Set(rows.map((row) => row.user_id));
    const { rows: heads } = await fixture.db.query<{ id: number; head: bigint }>(
      'select id, head from shard order by id',
    );
    const positions = (shard: number) =>
      published
        .filter(({ record, event }) => record.partition === shard && ours.has(event.userId))
        .map(({ event }) => event.position);
    await until('all is published', () => heads.every(({ id, head }) => positions(id).includes(head) || head === 0n));
    expect(heads.reduce((sum, { head }) => sum + head, 0n)).toBeGreaterThanOrEqual(33n);
    for (const { id, head } of heads) {
      // A change of hands may publish again, with the same positions; the first time each comes is in order.
      const firsts = [...new Set(positions(id))];
      expect(firsts).toEqual(Array.from({ length: Number(head) }, (_, index) => BigInt(index + 1)));
    }
  });
});

test('what happens while the broker is down is published when it is back', async () => {
  const kafka = await startKafka();
  const eventLog = createEventLog({
    brokers: hostPorts.parse(kafka.broker),
    clientId: 'test',
    ...silentTelemetry(),
  });
  await eventLog.ensureTopics();
  const fixture = await startAuth({ KAFKA_BROKERS: kafka.broker });
  const published = readTopic(eventLog);
  const register = async () => (await fixture.auth.register({ username: someUsername(), password: PASSWORD })).userId;
  const before = await register();
  await until('the first is published', () => published.some(({ event }) => event.userId === before));

  await kafka.process.kill('SIGKILL', { restart: false });
  const during = await Promise.all(Array.from({ length: 10 }, register));
  await kafka.process.start();
  const seen = () => new Set(published.map(({ event }) => event.userId));
  await until('the rest is published', () => during.every((userId) => seen().has(userId)), 45_000);

  await fixture.stop();
  await eventLog.stop();
  await kafka.stop();
});
