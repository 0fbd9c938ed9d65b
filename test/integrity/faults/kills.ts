import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceName, PartName } from '@realchat/stack';
import { until } from '@realchat/testkit';
import type { Gate } from '../../e2e/support/gate.ts';
import { countRecords } from '../../e2e/support/topic.ts';
import { byHolding } from '../../e2e/twos/instance.ts';
import {
  type Bite,
  backlogOf,
  cutSince,
  type Fault,
  type Field,
  inFlight,
  RELAY_BATCH,
  streamsLost,
  waitingFor,
} from './field.ts';

/** Calls that have to wait before a kill is worth it. */
const ENOUGH = 5;
/** Whoever waits so long, waits for a process that is frozen. */
const STUCK_MS = 500;
/** A relay that was killed before leaves its lease behind: its successor waits for its end. */
const RELAY_BACK_MS = 30_000;

/** F-01: each process is killed by SIGKILL with work in its hands. */
export const kills: Fault[] = [
  {
    id: 'F-01-messaging',
    title: 'kill -9 of messaging with sends in flight',
    async run(field) {
      // It is frozen first, until some wait for it for certain: the others are answered sooner.
      field.mesh.stack.process('messaging').pause();
      const waiting = await until('sends wait for messaging', () => {
        const count = waitingFor(field, STUCK_MS);
        return count >= ENOUGH && count;
      });
      const weigh = cutCalls(field);
      return kill(field, 'messaging', () => ({ bit: true, proof: `${waiting} sends waited for it, ${weigh().proof}` }));
    },
  },
  {
    id: 'F-01-relay',
    title: 'kill -9 of the relay with a batch on the wire that Kafka has not got',
    recordsTwice: RELAY_BATCH,
    async run(field) {
      const { relayToKafka } = field;
      relayToKafka.close('toServer');
      const waiting = await until(
        'a batch is on the wire',
        () => relayToKafka.held().toServer > 0 && backlogOf(field) > 0 && backlogOf(field),
        RELAY_BACK_MS,
      ).catch(openedAgain(relayToKafka));
      const proof = `${waiting} committed events were not published, a batch of them on the wire`;
      return kill(
        field,
        'relay',
        () => ({ bit: waiting > 0, proof }),
        () => relayToKafka.open(),
      );
    },
  },
  {
    id: 'F-01-delivery',
    title: 'kill -9 of delivery with every stream open',
    async run(field) {
      const before = streamsLost(field);
      const [busiest] = await byHolding(field.mesh, 'delivery');
      return kill(field, busiest, () => {
        const lost = streamsLost(field) - before;
        return { bit: lost > 0, proof: `${lost} streams were lost` };
      });
    },
  },
  {
    id: 'F-01-gateway',
    title: 'kill -9 of the gateway with sockets and calls in JSON open',
    async run(field) {
      const messaging = field.mesh.stack.process('messaging');
      const gateways = await byHolding(field.mesh, 'gateway');
      messaging.pause();
      const before = streamsLost(field);
      await until(
        'sends wait for the gateway',
        () => inFlight(field, 'websocket') + inFlight(field, 'connect-json') >= ENOUGH,
      );
      const weigh = cutCalls(field);
      const weighAll = () => {
        const lost = streamsLost(field) - before;
        return { bit: lost > 0, proof: `${lost} streams were lost, ${weigh().proof}` };
      };
      let bite: Bite = { bit: false, proof: 'there is no gateway' };
      // The sockets may have moved since they were counted: one of the two has them.
      for (const name of gateways) {
        if (!bite.bit) bite = await kill(field, name, weighAll, () => messaging.resume());
      }
      return bite;
    },
  },
  // Who is killed is not needed for a message: that the messages go on is the invariants' word.
  ...(['auth', 'profile', 'operations'] as const).map(
    (name): Fault => ({
      id: `F-01-${name}`,
      title: `kill -9 of ${name}, which no message needs`,
      run: (field) => kill(field, name, () => ({ bit: true, proof: 'another process has its place' })),
    }),
  ),
  {
    id: 'F-11',
    title: 'kill -9 of the relay when Kafka has a batch of which it does not know yet',
    recordsTwice: RELAY_BATCH,
    async run(field) {
      const { relayToKafka, mesh } = field;
      const repeats = await repeatsSoFar(field);
      relayToKafka.close('toClient');
      const ahead = await until(
        'Kafka has what the relay has not noted',
        async () => {
          const more = (await countRecords(mesh)) - (await field.watch.ask()).published - repeats;
          return relayToKafka.held().toClient > 0 && more > 0 && more;
        },
        RELAY_BACK_MS,
      ).catch(openedAgain(relayToKafka));
      const proof = `${ahead} records were appended and not yet acknowledged to the relay`;
      return kill(
        field,
        'relay',
        () => ({ bit: ahead > 0, proof }),
        () => relayToKafka.open(),
      );
    },
  },
  {
    id: 'F-18',
    title: 'every socket and stream is cut at once, three times: kill -9 of Envoy',
    async run(field) {
      const lost: number[] = [];
      for (let times = 0; times < 3; times++) {
        await until('most streams are live', () => liveShare(field) > 0.9, 60_000);
        const before = streamsLost(field);
        await kill(field, 'envoy', () => ({ bit: true, proof: '' }));
        await delay(1_000);
        lost.push(streamsLost(field) - before);
      }
      return { bit: lost.every((count) => count > 0), proof: `${lost.join(', ')} streams were lost` };
    },
  },
];

/** Kills a process, waits for its successor. */
async function kill(
  field: Field,
  name: PartName | InstanceName,
  weigh: () => Bite,
  then: () => void = () => {},
): Promise<Bite> {
  const managed = field.mesh.stack.process(name);
  const { pid } = managed;
  const at = field.journal.now();
  await managed.kill('SIGKILL');
  then();
  await managed.waitReady();
  if (managed.pid === pid) return { bit: false, proof: `${name} has survived` };
  const ended = () => field.cast.devices.every((device) => [...device.inFlight].every((call) => call.from > at));
  // Clients notice a lost peer in their own time.
  await until('the calls that were in flight have ended', ended, 10_000).catch(() => {});
  return weigh();
}

function cutCalls(field: Field): () => Bite {
  const at = field.journal.now();
  return () => {
    const cut = cutSince(field, at);
    return { bit: cut > 0, proof: `${cut} sends lost their answer` };
  };
}

function liveShare({ cast }: Field): number {
  return cast.devices.filter((device) => device.isLive).length / cast.devices.length;
}

/** A fault that cannot be had leaves no gate closed. */
function openedAgain(gate: Gate): (reason: unknown) => never {
  return (reason) => {
    gate.open();
    throw reason;
  };
}

/** Records of the topic that repeat earlier ones, from faults before. Nothing is sent meanwhile, so that few are on the way. */
async function repeatsSoFar(field: Field): Promise<number> {
  const { mesh, watch, load } = field;
  const { pace } = load;
  load.setPace(0);
  try {
    await until('all is published', () => backlogOf(field) <= 0, RELAY_BACK_MS);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const { published } = await watch.ask();
      least = Math.min(least, (await countRecords(mesh)) - published);
    }
    return least;
  } finally {
    load.setPace(pace);
  }
}
