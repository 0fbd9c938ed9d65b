import { setTimeout as delay } from 'node:timers/promises';
import { byHolding, workOf } from '../../e2e/twos/instance.ts';
import { answers } from './away.ts';
import { type Bite, backlogOf, cutSince, type Fault, type Field, inFlight, RELAY_BATCH } from './field.ts';

type Paused = 'messaging' | 'relay' | 'delivery' | 'gateway';

const SERVICES: readonly Paused[] = ['messaging', 'relay', 'delivery', 'gateway'];
const SHORT_MS = 5_000;
/** A relay's lease ends meanwhile, and its successor has its shards. */
const PAST_LEASE_MS = 15_000;
/** Beyond what any lease, session or connection outlives. */
const LONG_MS = 45_000;

/** F-02, F-12: a process is frozen, then it wakes up and goes on as if nothing was. */
export const pauses: Fault[] = [
  ...SERVICES.map((name) => pause(`F-02-${name}`, name, SHORT_MS)),
  ...SERVICES.map((name) => pause(`F-02-long-${name}`, name, LONG_MS)),
  pause('F-12', 'relay', PAST_LEASE_MS),
];

function pause(id: string, service: Paused, lasts: number): Fault {
  return {
    id,
    title: `${service} is frozen for ${lasts / 1000} s and wakes up`,
    recordsTwice: service === 'relay' ? RELAY_BATCH : 0,
    run: (field) => freeze(field, service, lasts),
  };
}

async function freeze(field: Field, service: Paused, lasts: number): Promise<Bite> {
  const { mesh, journal, watch } = field;
  const [busiest] = await byHolding(mesh, service);
  const { holds } = await workOf(mesh, busiest);
  const at = journal.now();
  const waiting = inFlight(field);
  const { published } = await watch.ask();
  const managed = mesh.stack.process(busiest);
  managed.pause();
  let mostWaiting = 0;
  let mostBacklog = 0;
  let answered = true;
  try {
    const end = performance.now() + lasts;
    answered = await answers(field, busiest);
    for (; performance.now() < end; await delay(100)) {
      mostWaiting = Math.max(mostWaiting, inFlight(field));
      mostBacklog = Math.max(mostBacklog, backlogOf(field));
    }
  } finally {
    managed.resume();
  }
  const more = mostWaiting - waiting;
  const moved = (watch.backlog?.published ?? 0) - published;
  const hurt = { messaging: more > 0, gateway: more > 0, relay: mostBacklog > 0, delivery: holds > 0 }[service];
  const proof = [
    `${busiest}, which held ${holds}, ${answered ? 'went on answering' : 'did not answer'}`,
    `${more} more sends waited, ${cutSince(field, at)} were cut`,
    `the backlog rose to ${mostBacklog}, ${moved} events were published meanwhile`,
  ].join('; ');
  return { bit: hurt && !answered, proof };
}
