import { randomUUID } from 'node:crypto';
import { refusalOf, startKafka, startValkey, type TestKafka, type TestValkey, until } from '@realchat/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Stage, startStage } from './stage.ts';
import type { StageNode } from './stage-node.ts';

// Every RPC whose answer depends on who the caller is to a conversation. Nobody is refused by all: test/e2e/refusals.e2e.test.ts.

const CALLERS = ['owner', 'admin', 'member', 'exMember', 'stranger'] as const;
type Caller = (typeof CALLERS)[number];
type Cast = Record<Caller | 'target', string>;

let kafka: TestKafka;
let valkey: TestValkey;
let stage: Stage;
let one: StageNode;
let two: StageNode;
let cast: Cast;
let conversationId: string;
const open: { close(): void }[] = [];

beforeAll(async () => {
  [kafka, valkey] = await Promise.all([startKafka(), startValkey()]);
  stage = await startStage(kafka, { REDIS_URL: valkey.url, MAX_WATCHES_PER_USER: '20' });
  one = stage.node;
  two = await stage.anotherNode();
});

afterAll(async () => {
  await stage?.stop();
  await Promise.all([kafka?.stop(), valkey?.stop()]);
});

/** A group with one of each, and `target`, a member who is online. */
beforeEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  const [owner, admin, member, exMember, stranger, target] = Array.from({ length: 6 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  cast = { owner, admin, member, exMember, stranger, target };
  conversationId = stage.converse([owner, admin, member, exMember, target]);
});

/** The target's stream, once the changes of the stage have come through it. */
async function setStage(node: StageNode, ...streamsOf: [StageNode, string][]) {
  const streams = await Promise.all(
    ([[node, cast.target], ...streamsOf] as const).map(async ([at, userId]) => {
      const stream = await at.open(userId);
      open.push(stream);
      await stream.caughtUp();
      return stream;
    }),
  );
  stage.memory.promote(conversationId, cast.admin);
  stage.memory.remove(conversationId, cast.exMember);
  const [ofTarget] = streams as [(typeof streams)[number]];
  await until('the stage is set', () => ofTarget.kinds().filter((kind) => kind === 'event').length === 2);
  return ofTarget;
}

const none = 'CONVERSATION_NOT_FOUND';

describe.each([
  ['with a stream here', () => one],
  ['with a stream at another node', () => two],
] as const)('S-02, S-03: SetTyping %s', (_, nodeOfCaller) => {
  test.each([
    ['owner', 'OK'],
    ['admin', 'OK'],
    ['member', 'OK'],
    ['exMember', none],
    ['stranger', none],
  ] as const)('by %s: %s', async (caller, expected) => {
    const userId = cast[caller];
    const ofTarget = await setStage(one, [nodeOfCaller(), userId]);
    const as = await one.as(userId);
    const call = (id: string, active = true) => as.setTyping({ conversationId: id, active });
    const told = () =>
      ofTarget.frames.flatMap(({ frame }) =>
        frame.case === 'transient' && frame.value.kind.case === 'typing' ? [frame.value.actorId] : [],
      );
    if (expected === 'OK') {
      // Connections to Redis come up in the background.
      for (let active = true; told().length === 0; active = !active) {
        await call(conversationId, active);
        await until('the target is told', () => told().length > 0, 1_000).catch(() => {});
      }
      expect(new Set(told())).toEqual(new Set([userId]));
      return;
    }
    const refusal = await refusalOf(call(conversationId));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', reason: expected });
    expect(refusal).toEqual(await refusalOf(call(randomUUID())));
    expect(told()).toEqual([]);
  });
});

/** A caller sees the target, or not; of themselves everyone sees. */
const SEES: [Caller, sees: boolean][] = [
  ['owner', true],
  ['admin', true],
  ['member', true],
  ['exMember', false],
  ['stranger', false],
];

describe('S-13: GetPresence of a member', () => {
  test.each(SEES)('by %s: OK, and the member is in the answer: %s', async (caller, sees) => {
    await setStage(two);
    const call = await one.as(cast[caller]);
    const ask = async (userIds: string[]) =>
      (await call.getPresence({ userIds })).presences.map(({ userId }) => userId);
    // Of whom one may not see, and of who is not there at all, it says the same: nothing.
    const answer = await ask([cast.target, cast[caller], randomUUID()]);
    expect(new Set(answer)).toEqual(new Set([cast[caller], ...(sees ? [cast.target] : [])]));
  });
});

describe('S-13: WatchPresence of a member', () => {
  test.each(SEES)('by %s: the stream opens, and tells of the member: %s', async (caller, sees) => {
    await setStage(two);
    const stream = await one.watch(cast[caller], [cast.target, cast[caller]]);
    open.push(stream);
    await stream.tells(cast[caller], 'OFFLINE');
    if (sees) await stream.tells(cast.target, 'ONLINE');
    expect(stream.toldOf(cast.target).length > 0).toBe(sees);
  });
});
