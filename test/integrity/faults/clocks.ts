import { setTimeout as delay } from 'node:timers/promises';
import type { MeshName } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { newLeaver } from '../clients/leaver.ts';
import { whyNoClocks } from '../clocks/faketime-library.ts';
import type { Fault, Field } from './field.ts';

/** In seconds: 10 minutes ahead and behind, then an hour back, then as everybody else again. */
const JUMPS = [600, -600, -3_600, 0];
/** The header of an answer has whole seconds, and the process looks at its clock once a second. */
const EXACT_S = 3;
const JUMPED_MS = 10_000;

/** F-23: the clock of one of the processes of a service jumps; its timers go on, as they do on a machine whose clock is set. */
export const clocks: Fault[] = (['messaging', 'relay', 'delivery', 'gateway', 'auth', 'operations'] as const).map(
  (service): Fault => ({
    id: `F-23-${service}`,
    title: `the clock of one ${service} jumps 10 min ahead, 10 min behind, 1 h back, and is right again`,
    clocks: [service],
    unavailable: whyNoClocks,
    async run(field) {
      const told: string[] = [];
      // What ended last is read again and again from where it is stored: the one before it has to be remembered.
      const [first, last] = [await newLeaver(field.edge, field.journal), await newLeaver(field.edge, field.journal)];
      let acked = 0;
      try {
        for (const seconds of JUMPS) {
          await field.clocks.move(service, seconds);
          const off = await until(
            `${service} tells a time that is ${seconds} s off`,
            async () => {
              const now = await clockOf(field, service);
              return now !== undefined && Math.abs(now - seconds) <= EXACT_S && { now };
            },
            JUMPED_MS,
          );
          told.push(`${off.now} s`);
          const before = field.load.counts.acked;
          // What is known by then of ended sessions must outlive the jump ahead that follows.
          const endsSessions = seconds === JUMPS.at(-2);
          if (endsSessions) await first.end();
          if (seconds !== 0) await delay(Math.max(5_000, field.lastsMs / JUMPS.length));
          if (endsSessions) await last.end();
          acked += field.load.counts.acked - before;
        }
      } finally {
        await field.clocks.move(service, 0);
      }
      field.healed();
      await Promise.all([first.callOn(), last.callOn()]);
      return {
        bit: told.length === JUMPS.length,
        proof: `its own answers were dated off by ${told.join(', ')}; ${acked} sends were acked meanwhile`,
      };
    },
  }),
);

/** How far the clock of the first process of a service is ahead of ours, in seconds, by the date that its answers bear. */
async function clockOf({ mesh }: Field, service: MeshName): Promise<number | undefined> {
  const response = await fetch(`http://${mesh.stack.environment(service)['OPS_LISTEN']}/healthz`).catch(
    () => undefined,
  );
  await response?.arrayBuffer();
  const date = response?.headers.get('date');
  return date ? Math.round((Date.parse(date) - Date.now()) / 1000) : undefined;
}
