import type { Producer } from '@realchat/eventlog';
import { kafkaBrokers, until } from '@realchat/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFixture, type Fixture, LEASE_MS, RolledBackError } from './fixture.ts';
import { append, faultsOf, headsOf, relayShards, SHARDS, withClient } from './log.ts';

// What the relay promises, on real engines. A test reads the whole topic back and compares it with the log.

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture(kafkaBrokers());
});
afterEach(() => fixture.stop());

async function verdict() {
  const records = await fixture.readBack();
  return { records, ...faultsOf(records, await headsOf(fixture.url)) };
}

test('four writers, slow and rolled-back transactions among them: nothing lost, nothing out of order, nothing twice', async () => {
  const writers = fixture.startWriters(4, {
    batch: 8,
    misbehave: async (client) => {
      if (Math.random() < 0.3) await client.query('select pg_sleep(0.01)');
      if (Math.random() < 0.05) throw new RolledBackError();
    },
  });
  fixture.relay('one').start();
  await until('enough is written', () => writers.rows() > 3_000, 50_000);
  const rows = await writers.stop();
  await fixture.published();
  const { records, ...faults } = await verdict();
  expect(faults).toEqual({ lost: 0, inversions: 0, duplicates: 0 });
  expect(records.length).toBe(rows);
  const [first] = records;
  expect(first?.headers.text('traceparent')).toBe(`00-trace-${Buffer.from(first?.key ?? []).toString()}-01`);
  expect(await fixture.metric('outbox_published_rows_total')).toBe(rows);
});

test('rows are found without hints, too', async () => {
  fixture.relay('one').start();
  await until('it owns all shards', async () => (await fixture.metric('outbox_owned_shards')) === SHARDS);
  await withClient(fixture.url, (client) => append(client, [1, 2, 3]));
  await fixture.published(2_000);
});

test('killed again and again between the ack and the writing down of it: duplicates only', async () => {
  const writers = fixture.startWriters(2, { batch: 4, pauseMs: 1 });
  for (const round of [1, 2, 3]) {
    const victim = fixture.relayProcess(`victim-${round}`, `SIGKILL:${5 * round}`);
    expect(await victim.ended).toBe('SIGKILL');
  }
  await writers.stop();
  fixture.relay('last').start();
  await fixture.published();
  const { lost, inversions, duplicates } = await verdict();
  expect({ lost, inversions }).toEqual({ lost: 0, inversions: 0 });
  expect(duplicates).toBeGreaterThanOrEqual(3);
});

test('a relay that sleeps past its lease wakes up fenced: it moves no position and publishes nothing more', async () => {
  const writers = fixture.startWriters(2, { batch: 4, pauseMs: 1 });
  const zombie = fixture.relayProcess('zombie', 'SIGSTOP:5');
  await until(
    'the zombie has published',
    async () => (await relayShards(fixture.url)).some(({ published }) => published > 0n),
    30_000,
  );
  const successor = fixture.relay('successor');
  successor.start();
  await until('the successor has taken everything', async () =>
    (await relayShards(fixture.url)).every(({ owner }) => owner?.startsWith('successor/')),
  );
  await until('the successor is far ahead', async () => (await fixture.metric('outbox_published_rows_total')) > 1_000);
  await writers.stop();
  await fixture.published();
  await successor.stop();

  // Nothing is left to publish and nobody owns the shards: whatever moves from here on is the zombie's doing.
  const before = await relayShards(fixture.url);
  zombie.child.kill('SIGCONT');
  const lost = () => zombie.lines.some(({ change }) => change === 'lost');
  await until('the zombie has learnt that it is fenced', lost);
  await until('the zombie has taken the free shards properly', async () =>
    (await relayShards(fixture.url)).every(({ owner }) => owner?.startsWith('zombie/')),
  );
  zombie.child.kill('SIGTERM');
  expect(await zombie.ended).toBe(0);
  const after = await relayShards(fixture.url);
  expect(after.map(({ published }) => published)).toEqual(before.map(({ published }) => published));
  expect(after.every(({ epoch }, shard) => epoch > (before[shard]?.epoch ?? 0n))).toBe(true);
  const faults = await verdict();
  expect({ lost: faults.lost, inversions: faults.inversions }).toEqual({ lost: 0, inversions: 0 });
});

test('relays that come share the shards, and those of one that dies are taken over after its lease', async () => {
  const writers = fixture.startWriters(2, { batch: 4, pauseMs: 2 });
  const counts = async (): Promise<Record<string, number>> => {
    const owners = (await relayShards(fixture.url)).map(({ owner }) => owner?.split('/')[0] ?? 'nobody');
    return Object.fromEntries(
      [...new Set(owners)].map((owner) => [owner, owners.filter((each) => each === owner).length]),
    );
  };
  const shares = (expected: Record<string, number>, deadlineMs: number) =>
    until(
      `shares are ${JSON.stringify(expected)}`,
      async () => {
        const found = await counts();
        return (
          Object.keys(found).length === Object.keys(expected).length &&
          Object.entries(expected).every(([owner, count]) => found[owner] === count)
        );
      },
      deadlineMs,
    );

  fixture.relay('a').start();
  await shares({ a: 16 }, 5_000);
  const b = fixture.relayProcess('b');
  await shares({ a: 8, b: 8 }, 5_000);
  const c = fixture.relay('c');
  c.start();
  await shares({ a: 6, b: 5, c: 5 }, 5_000);
  b.child.kill('SIGKILL');
  const killedAt = performance.now();
  await shares({ a: 8, c: 8 }, LEASE_MS * 2);
  expect(performance.now() - killedAt).toBeGreaterThan(LEASE_MS / 2);
  await c.stop();
  // Before c's leases would have ended.
  await shares({ a: 16 }, LEASE_MS * 0.75);

  await writers.stop();
  await fixture.published();
  const { lost, inversions } = await verdict();
  expect({ lost, inversions }).toEqual({ lost: 0, inversions: 0 });
});

test('a stop lets the send on the wire end, writes it down and leaves no shard owned', async () => {
  const release = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const relay = fixture.relay('one', {
    producer: (real): Producer => ({
      ...real,
      async send(records) {
        const appended = await real.send(records);
        entered.resolve();
        await release.promise;
        return appended;
      },
    }),
  });
  await withClient(fixture.url, (client) => append(client, [0, 1, 2, 3]));
  relay.start();
  await entered.promise;
  const stopped = relay.stop();
  release.resolve();
  await stopped;
  const shards = await relayShards(fixture.url);
  expect(shards.filter(({ owner }) => owner !== null)).toEqual([]);
  expect(shards.slice(0, 4).map(({ published }) => published)).toEqual([1n, 1n, 1n, 1n]);
});

test('a shard with a hole stops at the hole and shouts; the others go on, and it goes on once the hole is mended', async () => {
  await withClient(fixture.url, async (client) => {
    for (let n = 0; n < 3; n += 1) await append(client, [0, 1]);
    await client.query('update event set position = 99 where shard = 0 and position = 2');
  });
  const relay = fixture.relay('one');
  relay.start();
  await until('it shouts', async () => (await fixture.metric('outbox_stuck_shards', { reason: 'hole' })) === 1);
  const published = async () => (await relayShards(fixture.url)).slice(0, 2).map((row) => row.published);
  await until('the rest is published', async () => (await published())[1] === 3n);
  expect(await published()).toEqual([1n, 3n]);
  expect(relay.problems()).toEqual(['shard 0 is stuck: hole']);
  await withClient(fixture.url, (client) => client.query('update event set position = 2 where position = 99'));
  await fixture.published(15_000);
  expect(relay.problems()).toEqual([]);
  const { lost, inversions, duplicates } = await verdict();
  expect({ lost, inversions, duplicates }).toEqual({ lost: 0, inversions: 0, duplicates: 0 });
});

test('a row that the event log refuses stops its shard behind the rows before it, and no other shard', async () => {
  await withClient(fixture.url, async (client) => {
    await append(client, [0, 1]);
    await append(client, [0], undefined, 1_100_000);
    await append(client, [0, 1]);
  });
  const relay = fixture.relay('one');
  relay.start();
  await until('it shouts', async () => (await fixture.metric('outbox_stuck_shards', { reason: 'refused' })) === 1);
  await until('the rest is published', async () => (await relayShards(fixture.url))[1]?.published === 2n);
  expect((await relayShards(fixture.url))[0]?.published).toBe(1n);
  expect(relay.problems()).toEqual(['shard 0 is stuck: refused']);
});
