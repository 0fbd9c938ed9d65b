import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { type Bite, backlogOf, cutSince, type Fault, type Field, inFlight, mostDuring, RELAY_BATCH } from './field.ts';
import { asSuperuser } from './superuser.ts';
import { askValkey } from './valkey.ts';

/** Fewer events that wait are no backlog. */
const LEAST_BACKLOG = 500;
/** When what both relays work with goes. */
const RELAYS_BATCHES = 2 * RELAY_BATCH;

/** F-05, F-08, F-10, F-13, F-20, F-26: what the services depend on is stopped, emptied, or held. */
export const engines: Fault[] = [
  {
    id: 'F-05',
    title: 'Kafka is stopped, and comes back',
    recordsTwice: RELAYS_BATCHES,
    async run(field) {
      const kafka = field.mesh.stack.process('kafka');
      const before = field.load.counts.acked;
      await kafka.kill('SIGKILL', { restart: false });
      const backlog = await mostDuring(delay(field.lastsMs), () => backlogOf(field));
      const acked = field.load.counts.acked - before;
      await kafka.start();
      return { bit: backlog > 0, proof: `the backlog rose to ${backlog}, ${acked} sends were acked meanwhile` };
    },
  },
  ...(['SIGKILL', 'SIGQUIT'] as const).map(
    (signal): Fault => ({
      id: signal === 'SIGKILL' ? 'F-08-kill' : 'F-08-immediate',
      title: `Postgres is ended by ${signal} and comes back`,
      recordsTwice: RELAYS_BATCHES,
      async run(field) {
        const postgres = field.mesh.stack.process('postgres');
        const at = field.journal.now();
        await until('sends wait', () => inFlight(field) > 0);
        await postgres.kill(signal);
        await postgres.waitReady();
        await until('calls were cut off', () => cutSince(field, at) > 0, 10_000).catch(() => {});
        const cut = cutSince(field, at);
        return { bit: cut > 0, proof: `${cut} sends lost their answer` };
      },
    }),
  ),
  {
    id: 'F-08-terminate',
    title: 'every connection to Postgres is ended by pg_terminate_backend, five times',
    recordsTwice: 5 * RELAYS_BATCHES,
    async run(field) {
      const ended = await asSuperuser(field, 'postgres', async (query) => {
        let sum = 0;
        for (let times = 0; times < 5; times++) {
          const text = `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
            where pid <> pg_backend_pid() and backend_type = 'client backend' and application_name <> 'e2e'`;
          sum += Number((await query(text))[0]?.['n']);
          await delay(500);
        }
        return sum;
      });
      return { bit: ended > 5, proof: `${ended} connections were ended` };
    },
  },
  {
    id: 'F-10',
    title: 'another transaction holds the lock of every shard for 3 s',
    async run(field) {
      const waiting = await asSuperuser(field, 'messaging', async (query) => {
        await query('begin');
        await query('select id from shard order by id for update');
        const most = await mostDuring(delay(3_000), () => inFlight(field));
        await query('rollback');
        return most;
      });
      return { bit: waiting > 5, proof: `up to ${waiting} sends waited for the locks` };
    },
  },
  {
    id: 'F-13',
    title: 'no relay runs while three times as much is sent; then all of it is published',
    recordsTwice: RELAYS_BATCHES,
    async run(field) {
      const { stack } = field.mesh;
      const relays = stack.namesOf('relay').map((name) => stack.process(name));
      await Promise.all(relays.map((relay) => relay.kill('SIGKILL', { restart: false })));
      const pace = field.load.pace;
      field.load.setPace(pace * 3);
      await delay(field.lastsMs);
      const backlog = await until(
        'there is a backlog',
        () => backlogOf(field) > LEAST_BACKLOG && backlogOf(field),
        60_000,
      );
      field.load.setPace(pace);
      const begin = performance.now();
      await Promise.all(relays.map((relay) => relay.start()));
      await until('the backlog is published', () => backlogOf(field) < 50, 60_000);
      const seconds = (performance.now() - begin) / 1000;
      return {
        bit: true,
        proof: `a backlog of ${backlog} was published within ${seconds.toFixed(1)} s, the start of the relays included`,
      };
    },
  },
  {
    id: 'F-20-down',
    title: 'Redis is stopped, and comes back',
    async run(field) {
      const valkey = field.mesh.stack.process('valkey');
      await valkey.kill('SIGKILL', { restart: false });
      return whileAcked(field, () => valkey.start());
    },
  },
  {
    id: 'F-20-slow',
    title: 'Redis is frozen: it accepts and does not answer',
    async run(field) {
      const valkey = field.mesh.stack.process('valkey');
      valkey.pause();
      return whileAcked(field, async () => valkey.resume());
    },
  },
  {
    id: 'F-20-flush',
    title: 'Redis forgets everything: FLUSHALL',
    async run(field) {
      const { stack } = field.mesh;
      const [, before, , after] = await askValkey(stack, ['SET integrity 1', 'DBSIZE', 'FLUSHALL', 'DBSIZE']);
      const [keys, left] = [Number(before), Number(after)];
      return { bit: keys > 0 && left < keys, proof: `${keys} keys were there, ${left} are left` };
    },
  },
  {
    id: 'F-20-empty',
    title: 'Redis is killed and comes back without its data',
    async run(field) {
      const { stack } = field.mesh;
      const valkey = stack.process('valkey');
      await valkey.kill('SIGKILL', { restart: false });
      await rm(join(stack.paths.valkey, 'appendonlydir'), { recursive: true, force: true });
      return whileAcked(field, () => valkey.start());
    },
  },
  {
    id: 'F-26',
    title: 'every auth is stopped: tokens that are good stay good',
    async run(field) {
      const { stack } = field.mesh;
      const all = stack.namesOf('auth').map((name) => stack.process(name));
      await Promise.all(all.map((auth) => auth.kill('SIGKILL', { restart: false })));
      return whileAcked(field, async () => void (await Promise.all(all.map((auth) => auth.start()))));
    },
  },
];

/** What is away has bitten when it is away; that sends go on is what the invariants say. */
async function whileAcked(field: Field, heal: () => Promise<void>): Promise<Bite> {
  const before = field.load.counts.acked;
  await delay(field.lastsMs);
  const acked = field.load.counts.acked - before;
  await heal();
  return {
    bit: true,
    proof: `it was away for ${Math.round(field.lastsMs / 1000)} s, ${acked} sends were acked meanwhile`,
  };
}
