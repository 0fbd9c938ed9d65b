import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { readMetric } from '../../e2e/support/counters.ts';
import type { Fault, Field } from './field.ts';
import { asSuperuser, type Query } from './superuser.ts';

/** A group whose members were killed waits for the end of their sessions before anyone reads on. */
const REJOINED_MS = 60_000;
const COUNTED = `select coalesce(sum(seq), 0)::bigint as n from activity_counted`;
const WAITING = `select count(*)::int as n from pg_stat_activity where datname = 'operations' and wait_event_type = 'Lock'`;

/** F-14: whoever makes something of the records dies with it half done, or has to share them with others again and again. */
export const consumers: Fault[] = [
  {
    id: 'F-14-kill',
    title:
      'kill -9 of every consumer of the activity before its effect, and between its effect and the commit of its offset',
    wires: ['operations-kafka'],
    async run(field) {
      const { stack } = field.mesh;
      const wire = field.network.wire('operations-kafka');
      const all = stack.namesOf('operations').map((name) => stack.process(name));
      const kill = () => Promise.all(all.map((each) => each.kill('SIGKILL')));

      const waited = await asSuperuser(field, 'operations', async (query) => {
        const waiting = await holdEffects(query);
        await kill();
        return waiting;
      });
      await Promise.all(all.map((each) => each.waitReady()));

      await asSuperuser(field, 'operations', async (watch) => {
        await asSuperuser(field, 'operations', async (query) => {
          await holdEffects(query);
          const before = await numberOf(watch, COUNTED);
          // No commit reaches Kafka from here on: a broker that is paused would find one in its socket when it goes on.
          await wire.cut();
          try {
            await query('rollback');
            await until('an effect is there', async () => (await numberOf(watch, COUNTED)) > before, 10_000);
            await kill();
          } finally {
            await wire.mend();
          }
        });
      });
      await Promise.all(all.map((each) => each.waitReady()));
      field.healed();
      const repeated = await until(
        'records come again',
        async () => (await repeatedSoFar(field)) || false,
        REJOINED_MS,
      ).catch(() => 0);
      return {
        bit: waited > 0 && repeated > 0,
        proof: `${waited} effects waited at the first kill; after the second ${repeated} events came again that were counted`,
      };
    },
  },
  {
    id: 'F-14-rebalance',
    title: 'a member of the consumers of the activity goes and comes back, again and again',
    async run(field) {
      const { stack } = field.mesh;
      const last = stack.process(stack.namesOf('operations').at(-1) ?? 'operations');
      return asSuperuser(field, 'operations', async (query) => {
        const before = await numberOf(query, COUNTED);
        let times = 0;
        for (const end = performance.now() + field.lastsMs; performance.now() < end || times < 3; times++) {
          await last.restart();
          await delay(2_000);
        }
        const counted = (await numberOf(query, COUNTED)) - before;
        return { bit: counted > 0, proof: `it went and came ${times} times, ${counted} events were counted meanwhile` };
      });
    },
  },
];

/** Lets no effect be written until the connection rolls back. Answers how many effects wait, at least one. */
async function holdEffects(query: Query): Promise<number> {
  await query('begin');
  await query('lock table activity_counted in exclusive mode');
  return until('an effect waits', async () => (await numberOf(query, WAITING)) || false, REJOINED_MS);
}

async function numberOf(query: Query, text: string): Promise<number> {
  return Number((await query(text))[0]?.['n']);
}

async function repeatedSoFar({ mesh }: Field): Promise<number> {
  const names = mesh.stack.namesOf('operations');
  const labels = { outcome: 'repeated' };
  const counts = names.map((name) => readMetric(mesh, name, 'realchat_activity_events_total', labels));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
