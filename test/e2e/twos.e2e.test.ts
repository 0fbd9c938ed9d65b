import { type InstanceName, inEvery } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { check } from '../integrity/checker/check.ts';
import { delivered } from '../integrity/checker/durable.ts';
import type { StreamEnd } from '../integrity/clients/bare-stream.ts';
import { Journal } from '../integrity/history/journal.ts';
import { readHistory } from '../integrity/history/read-history.ts';
import { type Load, startLoad } from '../integrity/run/load.ts';
import { lookInside } from '../integrity/run/look-inside.ts';
import { randomFrom } from '../integrity/run/random.ts';
import { useMesh } from './support/mesh.ts';
import { type Callers, startCallers } from './twos/callers.ts';
import { assembleTransports, type TransportCast } from './twos/cast.ts';
import {
  byHolding,
  otherOf,
  SERVICES,
  serviceOf,
  untilAtWork,
  untilBothServe,
  type Work,
  workOf,
} from './twos/instance.ts';
import { createProbe } from './twos/probe.ts';

const DEVICES = 8;
const PER_SECOND = 200;
/** While processes are killed or hang. */
const PER_SECOND_LATER = 50;
const RESUMED_WITHIN_MS = 5_000;
/** The lease of a relay that was killed ends after 5 s. */
const TAKEN_OVER_MS = 12_000;
/** Delivery ends its streams over 2 s, a gateway its sockets over 3 s; so many at random moments are closer together once in a thousand times. */
const ENOUGH_TO_BE_SPREAD = 4;
const SPREAD_MS = 200;
/** A relay that hangs is no matter of calls. */
const HANGING = SERVICES.filter((name) => name !== 'relay');
/** What the launcher, and any supervisor, gives a process to stop. */
const GRACE_MS = 15_000;

const RATE_LIMITS = JSON.stringify({ '*': 1000 });
// The whole file is shorter than the life of a token, on a machine that is not too busy.
const mesh = useMesh(
  { env: { auth: { ACCESS_TOKEN_SECONDS: '900', RATE_LIMITS }, gateway: { RATE_LIMITS } } },
  inEvery(2),
);
const journal = new Journal();
let cast: TransportCast;
let callers: Callers;
let load: Load;
let loadBegun: number;
/** Over how long the streams of a service ended, of its two the longer. */
const spreads = new Map<string, number>();

beforeAll(async () => {
  cast = await assembleTransports(mesh(), journal, DEVICES);
  callers = await startCallers(mesh());
  loadBegun = performance.now();
  load = startLoad(cast, randomFrom(Date.now()));
  load.setPace(PER_SECOND);
  await untilBothServe(mesh());
});

afterAll(async () => {
  await load?.stop(0).catch(() => {});
  await callers?.stop();
  await Promise.all(cast?.devices.map((device) => device.close()) ?? []);
});

/** What happened to all clients since a moment. */
function since(at: number) {
  const ends = cast.bare.flatMap((device) => device.ends.filter((end) => end.at >= at));
  const calls = callers.calls.filter(({ to }) => to >= at);
  return { ends, calls };
}

const told = ({ failure }: StreamEnd) => [failure?.code, failure?.reason, (failure?.retryAfterMs ?? 0) > 0];
const allAreBack = (ends: StreamEnd[]) => ends.every(({ liveAgainAt }) => liveAgainAt !== undefined);

test.each(SERVICES.flatMap((name): InstanceName[] => [name, `${name}-2`]))(
  'I14, F-03: %s is restarted under 200 messages/s: exit 0 within its grace, each unary call is answered at the second try at the latest, each stream ends once, at a time of its own, and is resumed',
  async (name) => {
    const work = await untilAtWork(mesh(), name);
    const managed = mesh().stack.process(name);
    const pid = managed.pid;
    const closes = cast.sockets.closed.length;
    const other = await workOf(mesh(), otherOf(name));
    const begun = performance.now();
    const { acked } = load.counts;

    expect(await managed.stop()).toBe('stopped');
    const stopMs = performance.now() - begun;
    expect(managed.lastExit?.cause).toBe('exit code 0');
    expect(stopMs).toBeLessThan(GRACE_MS);

    // While it is away, the other does it all.
    await until('the other has it all', otherServed(name, other, work), TAKEN_OVER_MS);
    await until('streams are live again', () => allAreBack(since(begun).ends), RESUMED_WITHIN_MS + 3_000);
    await until('calls were made without it', () => since(begun).calls.length > 20, 30_000);
    await managed.start();
    expect(managed.pid).not.toBe(pid);
    await untilBothServe(mesh());

    const { ends, calls } = since(begun);
    const codes = cast.sockets.closed.slice(closes);
    const spread = ends.length > 0 ? Math.max(...ends.map(({ at }) => at)) - Math.min(...ends.map(({ at }) => at)) : 0;
    const away = Math.max(0, ...ends.map(({ at, liveAgainAt = Number.POSITIVE_INFINITY }) => liveAgainAt - at));
    const retried = calls.filter(({ failures }) => failures.length > 0);
    process.stdout.write(
      `${name}: stopped in ${Math.round(stopMs)} ms; held ${work.holds}; ${ends.length} streams ended over ${Math.round(spread)} ms, live again within ${Math.round(away)} ms; sockets closed with ${codes.join(' ') || 'nothing'}; ${retried.length} of ${calls.length} calls took a second try; ${load.counts.acked - acked} messages acked\n`,
    );
    expect(calls.filter(({ succeeded }) => !succeeded)).toEqual([]);
    expect(calls.length).toBeGreaterThan(20);

    const service = serviceOf(name);
    if (service === 'delivery') {
      // Through Envoy or a gateway, over whatever transport: each of its streams, once, in words.
      expect(ends.length).toBe(work.holds);
      expect(ends.map(told)).toEqual(ends.map(() => ['UNAVAILABLE', 'DRAINING', true]));
      expect(codes).toEqual([]);
    } else if (service === 'gateway') {
      // Those of the callers are closed too, by whom they are not counted.
      expect(codes.length).toBe(ends.length);
      expect(codes).toEqual(codes.map(() => 1012));
      expect(ends.map(({ failure }) => failure?.code)).toEqual(ends.map(() => 'UNAVAILABLE'));
      expect(ends.length).toBeGreaterThan(0);
      expect(work.holds - ends.length).toBeLessThanOrEqual(1);
    } else expect([ends, codes]).toEqual([[], []]);
    // A socket waits for its calls, which a disk that stands still may end all at once: not for both of a service.
    if (ends.length >= ENOUGH_TO_BE_SPREAD) spreads.set(service, Math.max(spread, spreads.get(service) ?? 0));
    if (name !== service) expect(spreads.get(service) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(SPREAD_MS);
    for (const { at, liveAgainAt = Number.POSITIVE_INFINITY } of ends)
      expect(liveAgainAt - at).toBeLessThan(RESUMED_WITHIN_MS);
  },
);

/** The other serves calls, and shards that were the lost one's are its own. */
function otherServed(name: InstanceName, before: Work, lost: Work): () => Promise<boolean> {
  const shards = serviceOf(name) === 'relay' ? before.holds + lost.holds : 0;
  return async () => {
    const now = await workOf(mesh(), otherOf(name));
    return now.done > before.done + 3 && now.holds >= shards;
  };
}

test('F-03: operations, which no client calls, ends with 0 as well', async () => {
  for (const name of ['operations', 'operations-2'] as const) {
    const managed = mesh().stack.process(name);
    await managed.restart();
    expect(managed.lastExit?.cause).toBe('exit code 0');
  }
});

test('I14: in all of it 200 messages were sent a second, none was refused to a member, and no send needed more than one more try', () => {
  load.setPace(PER_SECOND_LATER);
  const seconds = (performance.now() - loadBegun) / 1000;
  const { begun, acked, skipped } = load.counts;
  const { sends } = readHistory(journal.lines);
  process.stdout.write(
    `${begun} messages begun, ${acked} acked in ${Math.round(seconds)} s, ${skipped} not begun since too many waited\n`,
  );
  // What a test runner that was frozen for a second did not offer, and what a busy machine did not take in time.
  expect((begun + skipped) / seconds).toBeGreaterThan(0.9 * PER_SECOND);
  expect(skipped).toBeLessThan(0.1 * begun);
  expect(acked / seconds).toBeGreaterThan(0.75 * PER_SECOND);
  // Members of one conversation come and go, and a message may be on its way from who was put out.
  const refused = sends.flatMap(({ conversation, answers }) =>
    answers.flatMap((answer) => (answer.kind === 'refused' ? [{ conversation, reason: answer.reason }] : [])),
  );
  const comingAndGoing = cast.conversations[Math.floor(cast.conversations.length / 2)];
  const wasPutOut = ({ conversation, reason }: (typeof refused)[number]) =>
    conversation === comingAndGoing && reason.startsWith('NOT_FOUND (CONVERSATION_NOT_FOUND)');
  expect(refused.filter((each) => !wasPutOut(each))).toEqual([]);
  // Every tenth is sent twice at the same time, and each of the two may fail once.
  const mayFail = (key: string) => (key.endsWith('0') ? 2 : 1);
  const twice = sends.filter(
    ({ key, answers }) => answers.filter(({ kind }) => kind === 'unknown').length > mayFail(key),
  );
  expect(twice.map(({ answers }) => answers)).toEqual([]);
});

test.each(SERVICES)('F-01: kill -9 of one %s of two: clients go on with the other', async (service) => {
  const [name] = await byHolding(mesh(), service);
  const work = await untilAtWork(mesh(), name);
  const other = await workOf(mesh(), otherOf(name));
  const at = performance.now();
  const managed = mesh().stack.process(name);
  await managed.kill('SIGKILL', { restart: false });
  expect(managed.lastExit?.cause).toBe('SIGKILL');
  await until('the other has it all', otherServed(name, other, work), TAKEN_OVER_MS);
  await until('streams are live again', () => allAreBack(since(at).ends), RESUMED_WITHIN_MS + 3_000);
  await until('calls were made without it', () => since(at).calls.length > 20, 30_000);
  const { ends, calls } = since(at);
  process.stdout.write(
    `${name} killed: held ${work.holds}; ${ends.length} streams ended; ${calls.filter(({ failures }) => failures.length > 0).length} of ${calls.length} calls took a second try\n`,
  );
  if (service === 'delivery' || service === 'gateway') expect(ends.length).toBeGreaterThan(0);
  else expect(ends).toEqual([]);
  for (const { at: endedAt, liveAgainAt = Number.POSITIVE_INFINITY } of ends)
    expect(liveAgainAt - endedAt).toBeLessThan(RESUMED_WITHIN_MS);
  expect(calls.filter(({ succeeded }) => !succeeded)).toEqual([]);
  await managed.start();
  await untilBothServe(mesh());
});

test.each(HANGING)(
  'F-02: one %s of two hangs: new calls, streams and sockets are well again within 20 s',
  async (service) => {
    const [name] = await byHolding(mesh(), service);
    await untilAtWork(mesh(), name);
    const probe = await createProbe(mesh());
    await until('all is well before', async () => (await probe.round()).length === 0, 20_000);
    const at = performance.now();
    mesh().stack.process(name).pause();
    const missed = new Set<string>();
    let wellSince: number | undefined;
    await until(
      'all is well for two seconds',
      async () => {
        const begun = performance.now();
        const late = await probe.round();
        for (const what of late) missed.add(what);
        wellSince = late.length === 0 ? (wellSince ?? begun) : undefined;
        return missed.size > 0 && wellSince !== undefined && performance.now() - wellSince > 2_000;
      },
      40_000,
    ).finally(() => mesh().stack.process(name).resume());
    const wellAfter = (wellSince ?? Number.POSITIVE_INFINITY) - at;
    process.stdout.write(
      `${name} hung: ${[...missed].join(', ')} not in time; well after ${Math.round(wellAfter)} ms\n`,
    );
    expect(wellAfter).toBeLessThan(20_000);
    await probe.close();
    await untilBothServe(mesh());
  },
);

test('and after all of it nothing is lost, doubled, misordered or hidden', async () => {
  await load.stop();
  await until(
    'everyone was shown everything',
    () => [...delivered.holds(readHistory(journal.lines))].length === 0,
    60_000,
  ).catch(() => {
    // The checker tells better what is missing.
  });
  for (const device of cast.devices) {
    for (const conversation of cast.membership.everIn(device.userId)) {
      if (!cast.membership.isMember(conversation, device.userId)) continue;
      journal.write({
        type: 'full-read',
        user: device.userId,
        conversation,
        messages: await device.list(conversation),
      });
    }
  }
  await lookInside(mesh(), journal);
  const { verdict, verdicts, counts } = check(readHistory(journal.lines));
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  expect(verdicts.filter((each) => each.verdict === false)).toEqual([]);
  expect(verdict).toBe(true);
});
