import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import type { Arena } from './arena.ts';
import { type Audience, gatherAudience } from './audience.ts';
import { type Findings, type Measure, memoryMeasures, paceMeasures, wholeness } from './measure.ts';
import { watchMemory } from './memory.ts';
import { GATEWAYS, sumOf } from './metrics.ts';

/** Under the 20 that one user may have on one gateway, where all of them may come to be. */
const PER_USER = 15;
const USERS_TOGETHER = 4;
const PER_SECOND = 10;
const WINDOWS_BEFORE = 3;
const ALL_BACK_WITHIN_MS = 90_000;
const PROGRESS_MS = 2_000;

/** From the kill until the last device is live again: gateways start in 2 s, or in 20 on a busy machine, and devices wait longer with each try. */
const RESUMED_WITHIN_S = (sockets: number) => 30 + sockets / 50;

/**
 * So many sockets are open, each with a stream, and messages flow. Then kill -9 of every gateway: all sockets are lost at once,
 * and come again at once, to gateways that have just begun.
 */
export async function loseSockets({ mesh, others, say }: Arena, sockets: number): Promise<Findings> {
  say(`opening ${sockets} sockets`);
  const audience = await gatherAudience(mesh, { devices: sockets, perUser: PER_USER, usersTogether: USERS_TOGETHER });
  const memory = watchMemory(mesh);
  try {
    const stopping = new AbortController();
    const talking = audience.talk(PER_SECOND, { signal: stopping.signal });
    talking.catch(() => {});
    const before = await others.pace(WINDOWS_BEFORE);
    const held = await sumOf(mesh, GATEWAYS, 'realchat_gateway_sockets');
    say(`kill -9 of both gateways, which hold ${held} sockets`);
    const [waits, meanwhile] = await others.beside(killAndWait({ mesh, say }, audience));
    say(`all are live again after ${seconds(waits.at(-1) ?? 0)}`);
    await delay(2_000);
    stopping.abort();
    const acked = await talking;
    await audience.whenAllIsShown();
    const after = await sumOf(mesh, GATEWAYS, 'realchat_gateway_sockets');
    const measures: Measure[] = [
      { what: 'sockets lost at once', value: held, unit: '', least: sockets },
      { what: 'messages acked meanwhile', value: acked, unit: '' },
      { what: 'half of the streams live again after', value: at(waits, 0.5), unit: ' s' },
      { what: 'all streams live again after', value: at(waits, 1), unit: ' s', most: RESUMED_WITHIN_S(sockets) },
      { what: 'sockets afterwards', value: after, unit: '', most: sockets, least: sockets },
      ...paceMeasures(before, meanwhile),
      ...memoryMeasures(memory.most),
    ];
    const scenario = `${sockets} sockets are lost at once and resume`;
    return { scenario, measures, verdicts: wholeness(audience.judge()) };
  } finally {
    await memory.stop();
    await audience.close();
  }
}

/** How long each device was without a live stream, in order, in milliseconds from the kill on. */
async function killAndWait({ mesh, say }: Pick<Arena, 'mesh' | 'say'>, { devices }: Audience): Promise<number[]> {
  const lost = devices.map((device) => device.streamsLost);
  const killedAt = performance.now();
  await Promise.all(GATEWAYS.map((name) => mesh.stack.process(name).kill('SIGKILL')));
  const isBack = () => devices.every((device, i) => device.streamsLost > (lost[i] ?? 0) && device.isLive);
  const progress = setInterval(() => {
    const live = devices.filter((device) => device.isLive).length;
    say(`${live} of ${devices.length} are live`);
  }, PROGRESS_MS);
  await until('every device is live again', isBack, ALL_BACK_WITHIN_MS).finally(() => clearInterval(progress));
  return devices
    .map(({ ends }) => (ends.at(-1)?.liveAgainAt ?? Number.POSITIVE_INFINITY) - killedAt)
    .toSorted((a, b) => a - b);
}

function at(waits: number[], share: number): number {
  return (waits[Math.ceil(waits.length * share) - 1] ?? 0) / 1_000;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
