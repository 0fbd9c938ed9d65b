import { setTimeout as delay } from 'node:timers/promises';
import type { WireName } from '../network/network.ts';
import type { Toxic } from '../network/toxiproxy.ts';
import {
  backlogOf,
  cutSince,
  type Fault,
  type Field,
  inFlight,
  mostDuring,
  ON_ITS_WAY_MS,
  recordsTwice,
  seconds,
  streamsLost,
} from './field.ts';

/** Longer than the ceiling for what is seen late. */
const SILENCE_MS = 11_000;

const latency: Toxic = { type: 'latency', stream: 'downstream', attributes: { latency: 300, jitter: 200 } };
/** In KB/s. An event takes about two thirds of one. */
const narrow = ({ load }: Field): Toxic => ({
  type: 'bandwidth',
  stream: 'upstream',
  attributes: { rate: Math.max(1, Math.round(load.pace / 3)) },
});

/** F-06, F-19, F-21: wires that are slow, lossy, or end again and again. */
export const networks: Fault[] = [
  poisoned('F-06-latency', 'Kafka answers the relay after 2 s, give or take 1', ['relay-kafka'], {
    type: 'latency',
    stream: 'downstream',
    attributes: { latency: 2000, jitter: 1000 },
  }),
  poisoned('F-06-bandwidth', 'the relay gets about half as much through to Kafka as there is', ['relay-kafka'], narrow),
  poisoned('F-06-reply-lost', 'Kafka takes what the relay sends, and its answers are lost', ['relay-kafka'], {
    type: 'limit_data',
    stream: 'downstream',
    attributes: { bytes: 0 },
  }),
  {
    id: 'F-19',
    title: 'the last message before a silence never comes out of Kafka',
    wires: ['delivery-kafka'],
    async run(field) {
      const { load, cast, random } = field;
      const wire = field.network.wire('delivery-kafka');
      const { pace } = load;
      load.setPace(0);
      await quiet(field);
      await wire.cut();
      await delay(ON_ITS_WAY_MS);
      const before = wire.bytes();
      const device = cast.bare[Math.floor(random() * cast.bare.length)];
      const key = `last-${Math.floor(random() * 1e9)}`;
      await device?.send(cast.conversations[0] ?? '', key, 'the last one', 'no');
      // The wire stays cut and nothing follows: what shows it now is the watch over where the log ends.
      field.healed();
      await delay(SILENCE_MS);
      const bytes = wire.bytes() - before;
      await wire.mend();
      load.setPace(pace);
      return {
        bit: bytes === 0,
        proof: `${bytes} bytes came from Kafka to delivery in the ${SILENCE_MS / 1000} s after it`,
      };
    },
  },
  poisoned(
    'F-21-latency',
    '300 ms, give or take 200, between the gateway and its services',
    ['gateway-messaging', 'gateway-delivery'],
    latency,
  ),
  poisoned(
    'F-21-database',
    '300 ms, give or take 200, between messaging and Postgres',
    ['messaging-postgres'],
    latency,
  ),
  poisoned(
    'F-21-redis',
    '300 ms, give or take 200, between everybody and Redis',
    ['auth-redis', 'profile-redis', 'messaging-redis', 'delivery-redis', 'gateway-redis'],
    latency,
    // Nobody need wait for it, least of all a message.
    ({ bytes }) => bytes > 0,
  ),
  poisoned(
    'F-21-slicer',
    'what clients send and get comes in small pieces',
    ['clients-edge'],
    { type: 'slicer', stream: 'downstream', attributes: { average_size: 32, size_variation: 16, delay: 2_000 } },
    // Nobody need wait for it: what has passed was in pieces.
    ({ bytes }) => bytes > 0,
  ),
  {
    id: 'F-21-resets',
    title: 'every connection of the clients is reset, every two seconds',
    wires: ['clients-edge'],
    async run(field) {
      const wire = field.network.wire('clients-edge');
      const before = streamsLost(field);
      for (const end = performance.now() + field.lastsMs; performance.now() < end; await delay(1_800)) {
        const heal = await wire.poison({ type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } });
        await delay(200);
        await heal();
      }
      const lost = streamsLost(field) - before;
      return { bit: lost > 0, proof: `${lost} streams were lost` };
    },
  },
];

/** What was seen of a wire that was not as it should be. */
interface Seen {
  bytes: number;
  waited: number;
  backlog: number;
  cut: number;
  lost: number;
}

function isFelt({ waited, backlog, cut, lost }: Seen): boolean {
  return waited >= 5 || backlog >= 10 || cut > 0 || lost > 0;
}

function poisoned(
  id: string,
  title: string,
  wires: readonly WireName[],
  toxic: Toxic | ((field: Field) => Toxic),
  hasBitten = isFelt,
): Fault {
  return {
    id,
    title,
    wires,
    recordsTwice: recordsTwice(wires),
    async run(field) {
      const on = wires.map((name) => field.network.wire(name));
      const [waiting, backlog, lost] = [inFlight(field), backlogOf(field), streamsLost(field)];
      const at = field.journal.now();
      const bytesBefore = sumOf(on.map((wire) => wire.bytes()));
      const heal = await Promise.all(on.map((wire) => wire.poison(typeof toxic === 'function' ? toxic(field) : toxic)));
      let mostBacklog = 0;
      const lasts = mostDuring(delay(field.lastsMs), () => backlogOf(field)).then((most) => (mostBacklog = most));
      const mostWaiting = await mostDuring(lasts, () => inFlight(field));
      await Promise.all(heal.map((each) => each()));
      const bytes = sumOf(on.map((wire) => wire.bytes())) - bytesBefore;
      const facts: Seen = {
        bytes,
        waited: mostWaiting - waiting,
        backlog: mostBacklog - backlog,
        cut: cutSince(field, at),
        lost: streamsLost(field) - lost,
      };
      const proof =
        `${bytes} bytes were answered in ${seconds(field)}; ${facts.waited} more sends waited, ${facts.cut} were cut, the backlog rose ` +
        `by ${facts.backlog}, ${facts.lost} streams were lost`;
      return { bit: hasBitten(facts), proof };
    },
  };
}

/** Nothing is on the way any more. */
async function quiet(field: Field): Promise<void> {
  for (let calm = 0; calm < 10; await delay(100)) calm = inFlight(field) === 0 && backlogOf(field) === 0 ? calm + 1 : 0;
}

function sumOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
