import { until } from '@realchat/testkit';
import { readMetric } from '../support/counters.ts';
import type { Gate } from '../support/gate.ts';
import type { Mesh } from '../support/mesh.ts';
import type { MessageStore } from '../support/message-store.ts';
import { countRecords } from '../support/topic.ts';
import type { Attempt, LoadDevice } from './device.ts';

/** A kill -9 under load, and what it cut off. */
export interface Kill {
  process: 'messaging' | 'relay' | 'delivery' | 'gateway';
  at: number;
  /** What was in flight when it came, in words with a number. */
  evidence: string;
  /** How much was in flight. A kill that cut nothing off proves nothing. */
  cutOff: number;
  /** Until its successor was ready, in milliseconds. */
  recoveredMs: number;
}

/** What the killers work with. */
export interface Battlefield {
  mesh: Mesh;
  store: MessageStore;
  devices: readonly LoadDevice[];
  /** Stands between the relay and Kafka. */
  relayToKafka: Gate;
}

/** Calls that have to wait before a kill is worth it. */
const ENOUGH = 5;
/** A relay that was killed before leaves its lease behind: its successor waits for its end. */
const RELAY_BACK_MS = 30_000;

/** Kills messaging while sends wait for its answer: it is frozen first, until some do for certain. */
export async function killMessaging(field: Battlefield): Promise<Kill> {
  field.mesh.stack.process('messaging').pause();
  await until('sends wait for messaging', () => inFlight(field) >= ENOUGH);
  return kill(field, 'messaging', (at) => {
    const cut = attemptsCutAt(field, at);
    return { cutOff: cut.length, evidence: `${cut.length} sends lost their answer` };
  });
}

/** Kills the relay with a batch on the wire that Kafka has not got: it must not be taken for published. */
export async function killRelayBeforeKafkaHasIt(field: Battlefield): Promise<Kill> {
  const { store, relayToKafka } = field;
  relayToKafka.close('toServer');
  const waiting = await until(
    'a batch is on the wire',
    async () => {
      const { head, published } = await store.progress();
      return relayToKafka.held().toServer > 0 && head > published && head - published;
    },
    RELAY_BACK_MS,
  );
  const evidence = {
    cutOff: waiting,
    evidence: `${waiting} committed events were not published, a batch of them on the wire`,
  };
  return kill(
    field,
    'relay',
    () => evidence,
    () => relayToKafka.open(),
  );
}

/** Kills the relay when Kafka has appended a batch of which the relay does not know yet, so that it must come again. */
export async function killRelayBeforeItKnows(field: Battlefield): Promise<Kill> {
  const { mesh, store, relayToKafka } = field;
  relayToKafka.close('toClient');
  const ahead = await until(
    'Kafka has what the relay has not noted',
    async () => {
      const more = (await countRecords(mesh)) - (await store.progress()).published;
      return relayToKafka.held().toClient > 0 && more > 0 && more;
    },
    RELAY_BACK_MS,
  );
  const evidence = { cutOff: ahead, evidence: `${ahead} records were appended and not yet acknowledged to the relay` };
  return kill(
    field,
    'relay',
    () => evidence,
    () => relayToKafka.open(),
  );
}

/** Kills delivery while every device has a stream open. */
export async function killDelivery(field: Battlefield): Promise<Kill> {
  const streams = await readMetric(field.mesh, 'delivery', 'realchat_delivery_sessions');
  const opened = field.devices.map((device) => device.streamsOpened);
  const killed = await kill(field, 'delivery', () => ({ cutOff: streams, evidence: `${streams} streams were open` }));
  const again = () => field.devices.every((device, i) => device.streamsOpened > (opened[i] ?? 0));
  await until('every device has a new stream', again, 30_000);
  return killed;
}

/** Kills the gateway while calls of both of its protocols wait for their answer, which messaging holds back until then. */
export async function killGateway(field: Battlefield): Promise<Kill> {
  const messaging = field.mesh.stack.process('messaging');
  messaging.pause();
  const waiting = () => inFlight(field, 'websocket') >= ENOUGH && inFlight(field, 'connect-json') >= ENOUGH;
  await until('sends wait for the gateway', waiting);
  const weigh = (at: number) => {
    const cut = attemptsCutAt(field, at);
    const through = (transport: string) => cut.filter((attempt) => attempt.transport === transport).length;
    const [sockets, json] = [through('websocket'), through('connect-json')];
    return {
      cutOff: Math.min(sockets, json),
      evidence: `${sockets} calls over WebSocket and ${json} in JSON lost their answer`,
    };
  };
  return kill(field, 'gateway', weigh, () => messaging.resume());
}

async function kill(
  field: Battlefield,
  process: Kill['process'],
  weigh: (at: number) => Pick<Kill, 'cutOff' | 'evidence'>,
  then: () => void = () => {},
): Promise<Kill> {
  const managed = field.mesh.stack.process(process);
  const pid = managed.pid;
  // At least this many calls wait for something in the mesh right now.
  const busy = inFlight(field);
  const at = performance.now();
  await managed.kill('SIGKILL');
  then();
  await managed.waitReady();
  if (managed.pid === pid) throw new Error(`${process} has survived`);
  const recoveredMs = performance.now() - at;
  const ended = () => field.devices.every((device) => [...device.inFlight].every((call) => call.from > at));
  await until('the calls that were in flight have ended', ended, 25_000);
  const { cutOff, evidence } = weigh(at);
  return { process, at, cutOff, evidence: `${evidence}, ${busy} sends were in flight`, recoveredMs };
}

/** Sends that wait for an answer right now. */
function inFlight({ devices }: Battlefield, transport?: string): number {
  const meant = devices.filter((device) => !transport || device.transport === transport);
  return meant.reduce((sum, device) => sum + device.inFlight.size, 0);
}

/** Calls that had begun before a moment and failed after it. */
function attemptsCutAt({ devices }: Battlefield, at: number): Attempt[] {
  const attempts = devices.flatMap((device) => device.attempts);
  return attempts.filter((attempt) => !attempt.answered && attempt.from < at && attempt.to >= at);
}
