import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { type Bite, backlogOf, cutSince, type Fault, type Field, inFlight, mostDuring, RELAY_BATCH } from './field.ts';
import { asSuperuser, type Query } from './superuser.ts';

/** Fewer events that wait are no backlog. */
const LEAST_BACKLOG = 500;
/** When what both relays work with goes. */
const RELAYS_BATCHES = 2 * RELAY_BATCH;

/** F-05, F-08, F-10, F-13: what a message depends on is stopped, held, or slow. */
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
    id: 'F-10-commits',
    title: 'about every third event makes the commit that writes it 100 ms longer, while others commit',
    run: (field) => asSuperuser(field, 'messaging', (query) => slowCommits(field, query)),
  },
  {
    id: 'F-10-locks',
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
        bit: backlog > LEAST_BACKLOG,
        proof: `a backlog of ${backlog} was published within ${seconds.toFixed(1)} s, the start of the relays included`,
      };
    },
  },
];

/** A trigger that fires at the commit itself sleeps there, so that what is committed later is seen earlier, if it can be. */
async function slowCommits(field: Field, query: Query): Promise<Bite> {
  await query('create sequence integrity_slow_commits');
  await query(`create function integrity_slow_commit() returns trigger language plpgsql security definer as $$
    begin
      if random() < 0.3 then
        perform nextval('integrity_slow_commits');
        perform pg_sleep(0.1);
      end if;
      return null;
    end $$`);
  await query(`create constraint trigger integrity_slow_commit after insert on event
    deferrable initially deferred for each row execute function integrity_slow_commit()`);
  const before = field.load.counts.acked;
  let times = 0;
  try {
    await delay(field.lastsMs);
    times = Number((await query('select last_value::int as n from integrity_slow_commits'))[0]?.['n']);
  } finally {
    await query('drop function integrity_slow_commit cascade');
    await query('drop sequence integrity_slow_commits');
  }
  const acked = field.load.counts.acked - before;
  return { bit: times > 5, proof: `${times} events made a commit wait, ${acked} sends were acked meanwhile` };
}
