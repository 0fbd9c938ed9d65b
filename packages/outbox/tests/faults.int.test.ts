import { startKafka, startPostgres, type TestKafka, type TestPostgres, until } from '@realchat/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFixture, type Fixture } from './fixture.ts';
import { append, faultsOf, headsOf, relayShards, withClient } from './log.ts';

// The relay while an engine is away.

let kafka: TestKafka;
let postgres: TestPostgres;
let fixture: Fixture;
beforeEach(async () => {
  [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
  fixture = await createFixture(kafka.broker, postgres.url);
});
afterEach(async () => {
  await fixture.stop();
  await Promise.all([kafka.stop(), postgres.stop()]);
});

async function faults() {
  const { lost, inversions } = faultsOf(await fixture.readBack(), await headsOf(fixture.url));
  return { lost, inversions };
}

test('the broker is killed (-9) for some seconds: rows gather, nothing is given up, and they go out in order', async () => {
  const writers = fixture.startWriters(2, { batch: 4, pauseMs: 2 });
  const relay = fixture.relay('one');
  relay.start();
  await until('rows flow', async () => (await fixture.metric('outbox_published_rows_total')) > 200);
  await kafka.process.kill('SIGKILL', { restart: false });
  const rowsAtKill = writers.rows();
  await until('the relay says so', () => relay.problems().includes('the event log is away'), 20_000);
  await until('rows gather meanwhile', () => writers.rows() > rowsAtKill + 500, 20_000);
  await until('the backlog shows', async () => (await fixture.metric('outbox_backlog_rows')) > 300);
  await until('and its age', async () => (await fixture.metric('outbox_oldest_unpublished_age_seconds')) > 1);
  expect((await relayShards(fixture.url)).every(({ owner }) => owner?.startsWith('one/'))).toBe(true);
  await kafka.process.start();
  await writers.stop();
  await fixture.published(30_000);
  expect(relay.problems()).toEqual([]);
  await until('no backlog is left', async () => (await fixture.metric('outbox_backlog_rows')) === 0);
  expect(await faults()).toEqual({ lost: 0, inversions: 0 });
}, 90_000);

test('the database is killed (-9) and comes back: the relay lives, and goes on where it was', async () => {
  const relay = fixture.relay('one');
  relay.start();
  await withClient(fixture.url, async (client) => {
    for (let n = 0; n < 20; n += 1) await append(client, [n, n + 1]);
  });
  await fixture.published();
  await postgres.process.kill('SIGKILL', { restart: false });
  await until('the relay says so', () => relay.problems().includes('the database is away'));
  await postgres.process.start();
  await withClient(fixture.url, async (client) => {
    for (let n = 0; n < 20; n += 1) await append(client, [n, n + 1]);
  });
  await fixture.published();
  await until('the relay says that it is well', () => relay.problems().length === 0);
  expect(await faults()).toEqual({ lost: 0, inversions: 0 });
}, 60_000);
