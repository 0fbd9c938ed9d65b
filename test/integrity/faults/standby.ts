import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { type Fault, inFlight, RELAY_BATCH } from './field.ts';
import { asSuperuser } from './superuser.ts';

/** For whoever decides that the primary is gone. */
const NOTICED_MS = 3_000;
/** Longer than a statement of a service may take. */
const AWAY_MS = 12_000;
/** What the standby had when it was killed may still be acknowledged. */
const ON_THE_WAY_MS = 1_000;

/** F-09: whatever was acknowledged is on the disk of two. */
export const standby: Fault[] = [
  {
    id: 'F-09-away',
    title: 'the synchronous standby is killed, and comes back: nothing is acknowledged that it does not have',
    engines: { standby: true },
    async run(field) {
      const { mesh, load } = field;
      const second = mesh.stack.process('postgres-standby');
      await second.kill('SIGKILL', { restart: false });
      await delay(ON_THE_WAY_MS);
      const { acked } = load.counts;
      await delay(AWAY_MS);
      const without = load.counts.acked - acked;
      const waiting = inFlight(field);
      await second.start();
      return {
        bit: waiting > 0 || without > 0,
        proof: `${without} sends were acked without it in ${AWAY_MS / 1_000} s, ${waiting} waited`,
        breach:
          without > 0 ? { invariant: 'I1', text: `${without} sends were acked that one disk alone has` } : undefined,
      };
    },
  },
  {
    id: 'F-09-failover',
    title: 'Postgres is killed for good, and its synchronous standby takes over',
    engines: { standby: true },
    forGood: true,
    recordsTwice: 2 * RELAY_BATCH,
    async run(field) {
      const { standby: second, load } = field;
      if (!second) throw new Error('the mesh has no standby');
      const [standing] = await asSuperuser(field, 'postgres', (query) =>
        query('select sync_state from pg_stat_replication'),
      );
      const before = String(standing?.['sync_state']);
      await until('sends wait', () => inFlight(field) > 0);
      await field.mesh.stack.process('postgres').kill('SIGKILL', { restart: false });
      await delay(NOTICED_MS);
      const { acked } = load.counts;
      const waiting = inFlight(field);
      await second.takeOver();
      const after = await second.ask(
        'select pg_is_in_recovery() as follows, left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline',
      );
      field.healed();
      await until('sends are acked', () => load.counts.acked > acked, 60_000);
      return {
        bit: before === 'sync' && after['follows'] === false && waiting > 0,
        proof: `it was ${before} before, and leads timeline ${Number(after['timeline'])} now; ${waiting} sends waited meanwhile`,
      };
    },
  },
];
