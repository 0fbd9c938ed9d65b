import { until } from '@realchat/testkit';
import type { WebSocket } from 'ws';
import { createGrpcCaller } from '../e2e/clients/grpc-caller.ts';
import { User } from '../e2e/clients/user.ts';
import type { Arena } from './arena.ts';
import { gatherAudience, webSocketUser } from './audience.ts';
import { type Findings, type Measure, memoryMeasures, paceMeasures, wholeness } from './measure.ts';
import { watchMemory } from './memory.ts';
import { DELIVERIES, GATEWAYS, mostOf, sumOf } from './metrics.ts';
import { Tap } from './tap.ts';

/** As long as a text may be, and three bytes to a character. */
const TEXT = '\u6f22'.repeat(8_000);
const TEXT_BYTES = 3 * 8_000;
const PER_SECOND = 40;
/** In the same conversation, they read as they should. */
const KEEN = 2;
const WINDOWS_BEFORE = 3;
/** Longer than a stream or a socket may be stuck before it is given up. */
const GIVEN_UP_WITHIN_MS = 60_000;
/** The setting SESSION_QUEUE_BYTES. What many wait for counts once, and not all of them fall behind at the same message. */
const QUEUE_BYTES = 1_048_576;
const APART = 6;
const MIB = 2 ** 20;

/** Ways of not reading, each of which has other buffers before it. */
const WAYS = ['socket', 'websocket call', 'grpc call'] as const;

/**
 * So many members of a hot conversation cease to read, a third each at the socket, in a call of a socket and in a call of gRPC,
 * while `megabytes` come the way of each. Later they read again.
 */
export async function stopReading(arena: Arena, readers: number, megabytes: number): Promise<Findings> {
  const { mesh, others, say } = arena;
  const taps: Tap[] = [];
  const sockets = new Set<WebSocket>();
  const userOf = (device: number): User => {
    const way = WAYS[device % WAYS.length];
    if (device < KEEN) return webSocketUser(mesh);
    if (way === 'socket') return webSocketUser(mesh, { closed: [], open: sockets });
    const tap = new Tap();
    taps.push(tap);
    if (way === 'websocket call') return webSocketUser(mesh, undefined, (caller) => tap.on(caller));
    return new User(tap.on(createGrpcCaller(mesh.tlsAddress, mesh.certificateAuthority)));
  };
  const devices = KEEN + readers;
  const audience = await gatherAudience(mesh, { devices, perUser: 1, usersTogether: devices, user: userOf });
  const memory = watchMemory(mesh);
  const flowing = new AbortController();
  try {
    const before = await others.pace(WINDOWS_BEFORE);
    const tired = audience.devices.slice(KEEN);
    say(`${readers} of ${devices} members cease to read while ${megabytes} MB come the way of each`);
    const held = [...sockets];
    for (const socket of held) socket.pause();
    for (const tap of taps) tap.close();
    const queued = mostOf(mesh, DELIVERIES, 'realchat_delivery_queued_bytes', flowing.signal);
    const messages = Math.ceil((megabytes * 1e6) / TEXT_BYTES);
    const [acked, meanwhile] = await others.beside(audience.talk(PER_SECOND, { most: messages }, TEXT));
    const givenUp = () =>
      sumOf(mesh, DELIVERIES, 'realchat_delivery_sessions_ended_total', { reason: 'slow-consumer' });
    await until('all of them are given up', async () => (await givenUp()) >= readers, GIVEN_UP_WITHIN_MS).catch(
      () => {},
    );
    const ended = await givenUp();
    say(`${ended} streams were ended with SLOW_CONSUMER; all read again`);
    // What is replayed to them later is held as well, and given up when it is too much.
    flowing.abort();
    const begun = performance.now();
    for (const socket of held) socket.resume();
    for (const tap of taps) tap.open();
    const isBack = () => tired.every((device) => device.streamsLost > 0 && device.isLive);
    await until('all of them are live again', isBack, GIVEN_UP_WITHIN_MS).catch(() => {});
    const backAfter = (performance.now() - begun) / 1_000;
    await audience.whenAllIsShown();
    const measures: Measure[] = [
      { what: 'messages acked', value: acked, unit: '', least: messages },
      { what: 'streams ended with SLOW_CONSUMER', value: ended, unit: '', least: readers },
      {
        what: 'streams of those who read that were lost',
        value: lostOf(audience.devices.slice(0, KEEN)),
        unit: '',
      },
      {
        what: 'sockets closed with 4008',
        value: await sumOf(mesh, GATEWAYS, 'realchat_gateway_socket_closes_total', { code: '4008' }),
        unit: '',
      },
      { what: 'all live again after', value: backAfter, unit: ' s', most: 30 },
      {
        what: 'waiting in a delivery node at most',
        value: (await queued) / MIB,
        unit: ' MiB',
        most: (APART * QUEUE_BYTES) / MIB,
      },
      ...paceMeasures(before, meanwhile),
      ...memoryMeasures(memory.most),
    ];
    const scenario = `${readers} members of a hot conversation cease to read ${megabytes} MB, and read again`;
    return { scenario, measures, verdicts: wholeness(audience.judge()) };
  } finally {
    flowing.abort();
    for (const tap of taps) tap.open();
    await memory.stop();
    await audience.close();
  }
}

function lostOf(devices: { streamsLost: number }[]): number {
  return devices.reduce((sum, { streamsLost }) => sum + streamsLost, 0);
}
