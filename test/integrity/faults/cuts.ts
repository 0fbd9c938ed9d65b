import { setTimeout as delay } from 'node:timers/promises';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import type { BareDevice } from '../clients/bare-device.ts';
import type { Wire, WireName } from '../network/network.ts';
import type { Toxic } from '../network/toxiproxy.ts';
import { choose } from '../run/random.ts';
import {
  cutSince,
  type Fault,
  type Field,
  inFlight,
  mostDuring,
  ON_ITS_WAY_MS,
  recordsTwice,
  seconds,
} from './field.ts';

/** So long what passes is counted first, so that nothing afterwards says something. */
const FLOW_MS = 1_000;
/** A wire on which nothing passes any more answers with this much at most: what was on its way. */
const STILL_BYTES = 4096;
/** How often somebody asks for what takes a wire that no message needs. */
const ASK_MS = 200;

const blackhole: Toxic = { type: 'timeout', stream: 'upstream', attributes: { timeout: 0 } };

/** What makes something pass on a wire that no message takes. */
type Ask = (device: BareDevice) => Promise<unknown>;

const listSessions: Ask = (device) => device.call(AuthService.method.listSessions, {});
const readProfile: Ask = (device) =>
  device.call(ProfileService.method.getProfile, { key: { case: 'userId', value: device.userId } });

/** F-21, F-22: wires on which nothing passes, with what passed before and did not then as the proof. */
export const cuts: Fault[] = [
  closed('F-21-blackhole', 'calls of the gateway to messaging vanish', 'gateway-messaging', vanish),
  closed('F-21-half-open', 'what messaging asks of Postgres vanishes', 'messaging-postgres', vanish),
  closed('F-22-delivery-kafka', 'delivery is cut off from Kafka, its clients are not', 'delivery-kafka', cut),
  closed('F-22-messaging-postgres', 'messaging is cut off from Postgres', 'messaging-postgres', cut),
  closed('F-22-relay-postgres', 'the relay is cut off from Postgres', 'relay-postgres', cut),
  closed('F-22-delivery-messaging', 'delivery is cut off from messaging, not from Kafka', 'delivery-messaging', cut),
  closed('F-22-auth-postgres', 'auth is cut off from Postgres', 'auth-postgres', cut, listSessions),
  closed('F-22-profile-postgres', 'profile is cut off from Postgres', 'profile-postgres', cut, readProfile),
  closed('F-22-operations-kafka', 'operations is cut off from Kafka', 'operations-kafka', cut),
  closed('F-22-messaging-redis', 'messaging is cut off from Redis, others are not', 'messaging-redis', cut),
  closed('F-22-delivery-redis', 'delivery is cut off from Redis, others are not', 'delivery-redis', cut),
  closed('F-22-gateway-redis', 'the gateway is cut off from Redis, others are not', 'gateway-redis', cut),
  closed('F-22-auth-redis', 'auth is cut off from Redis, others are not', 'auth-redis', cut, listSessions),
  closed('F-22-profile-redis', 'profile is cut off from Redis, others are not', 'profile-redis', cut, readProfile),
];

/** Closes a wire. Answers how to open it again. */
type Close = (wire: Wire) => Promise<() => Promise<void>>;

async function vanish(wire: Wire): Promise<() => Promise<void>> {
  return wire.poison(blackhole);
}

async function cut(wire: Wire): Promise<() => Promise<void>> {
  await wire.cut();
  return () => wire.mend();
}

/** A wire on which nothing passes for a while; what passes on it otherwise is the load's, or somebody's who asks. */
function closed(id: string, title: string, name: WireName, close: Close, ask?: Ask): Fault {
  return {
    id,
    title,
    wires: [name],
    recordsTwice: recordsTwice([name]),
    async run(field) {
      const wire = field.network.wire(name);
      const asking = new AbortController();
      const asked = ask && askOn(field, ask, asking.signal);
      try {
        const atFirst = wire.bytes();
        await delay(FLOW_MS);
        const flowed = wire.bytes() - atFirst;
        const at = field.journal.now();
        const acked = field.load.counts.acked;
        const open = await close(wire);
        await delay(ON_ITS_WAY_MS);
        const before = wire.bytes();
        const most = await mostDuring(delay(field.lastsMs), () => inFlight(field));
        const bytes = wire.bytes() - before;
        await open();
        const proof =
          `${flowed} bytes were answered in the second before, ${bytes} in ${seconds(field)}; up to ${most} sends waited, ` +
          `${cutSince(field, at)} were cut, ${field.load.counts.acked - acked} were acked meanwhile`;
        return { bit: bytes < Math.min(STILL_BYTES, flowed), proof };
      } finally {
        asking.abort();
        await asked;
      }
    },
  };
}

async function askOn({ cast, random }: Field, ask: Ask, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(ASK_MS);
    // A refusal is the fault's. Nobody waits for it: a call may take as long as the wire is closed.
    ask(choose(random, cast.bare)).catch(() => {});
  }
}
