import { setImmediate as nextTurn } from 'node:timers/promises';
import { RpcError } from '@realchat/rpc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventId, idOf, MemoryLog } from './memory-log.ts';
import { asTopicRecord, createModelNode, cursors, eventsOf, type ModelClient, wasReset } from './model-node.ts';

const SHARDS = 2;
const USERS = ['u0', 'u1', 'u2'];
const CONVERSATIONS = [0, 1, 2].map((i) => `0190f5a0-0000-7000-8000-00000000000${i}`);

type Step =
  | { do: 'supersede' | 'look' | 'tick' }
  | { do: 'message' | 'burst'; conversation: number }
  | { do: 'toggle-member'; conversation: number; user: number }
  | { do: 'topic'; shard: number; what: 'next' | 'lose' | 'poison' | 'repeat' | 'overtake' }
  | { do: 'call'; index: number; what: 'read' | 'answer' }
  | { do: 'connect'; user: number; cursor: 'none' | 'newest' | 'oldest' }
  | { do: 'close' | 'block' | 'unblock'; index: number };

const nat = (max: number) => fc.nat(max);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('message' as const), conversation: nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('toggle-member' as const), conversation: nat(2), user: nat(2) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'supersede' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('topic' as const),
      shard: nat(SHARDS - 1),
      what: fc.constantFrom('next', 'next', 'next', 'lose', 'poison', 'repeat', 'overtake'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('call' as const), index: nat(5), what: fc.constantFrom('read', 'answer') }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'look' as const }, { do: 'tick' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('connect' as const),
      user: nat(2),
      cursor: fc.constantFrom('none', 'newest', 'newest', 'oldest'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom<'close' | 'block' | 'unblock'>('close', 'block', 'block', 'block', 'unblock'),
      index: nat(5),
    }),
  },
);

/** One run of the model: a log, a topic that loses and repeats, a node, its clients. */
async function startRun() {
  const memory = new MemoryLog(SHARDS);
  const topic = Array.from({ length: SHARDS }, () => [] as ReturnType<typeof asTopicRecord>[]);
  const lastTaken: ReturnType<typeof asTopicRecord>[] = [];
  memory.onCommit = (record) => topic[record.shard]?.push(asTopicRecord(record));
  for (const [i, conversation] of CONVERSATIONS.entries()) memory.create(conversation, i % SHARDS, ['u0', 'u1']);
  const node = createModelNode(memory);
  const clients: ModelClient[] = [];
  const cursorsOf = new Map<string, Uint8Array[]>();
  let now = performance.now();
  let poisoned = 0;

  const settleCalls = async () => {
    for (let i = 0; i < 5; i++) await nextTurn();
  };
  const answerAll = async () => {
    while (node.pending.length > 0) {
      for (const call of node.pending.slice()) {
        if (!call.hasRead) call.read();
        call.answer();
      }
      await settleCalls();
    }
  };
  const noteCursors = () => {
    for (const { userId, frames } of clients) {
      const seen = frames.flatMap(({ frame }) =>
        frame.case === 'caughtUp' || frame.case === 'checkpoint' ? [frame.value.cursor] : [],
      );
      cursorsOf.set(userId, [...(cursorsOf.get(userId) ?? []), ...seen]);
    }
  };
  const fromTopic = async (shard: number, what: string) => {
    const queue = topic[shard] ?? [];
    const record = what === 'repeat' ? lastTaken[shard] : what === 'overtake' ? queue.splice(1, 1)[0] : queue.shift();
    if (!record || what === 'lose') return;
    lastTaken[shard] = record;
    if (what === 'poison') poisoned++;
    await node.take(what === 'poison' ? { ...record, key: null } : record);
  };

  /** More than a ring holds, all at once. */
  const burst = async (conversation: string) => {
    for (let i = 0; i < 7; i++) {
      const { shard } = memory.message(conversation);
      await fromTopic(shard, 'next');
    }
  };

  return {
    memory,
    node,
    clients,
    poisoned: () => poisoned,
    async begin() {
      void node.look();
      await answerAll();
    },
    async run(step: Step) {
      const client = 'index' in step ? clients[step.index % Math.max(1, clients.length)] : undefined;
      if (step.do === 'message') memory.message(CONVERSATIONS[step.conversation] as string);
      else if (step.do === 'burst') await burst(CONVERSATIONS[step.conversation] as string);
      else if (step.do === 'supersede') memory.supersede(0);
      else if (step.do === 'look') void node.look();
      else if (step.do === 'topic') await fromTopic(step.shard, step.what);
      else if (step.do === 'toggle-member') {
        const conversation = CONVERSATIONS[step.conversation] as string;
        const user = USERS[step.user] as string;
        if (memory.isMember(conversation, user)) memory.remove(conversation, user);
        else memory.add(conversation, user);
      } else if (step.do === 'tick') {
        now += 1_500;
        node.sessions.tick(now, 0);
      } else if (step.do === 'call') {
        const call = node.pending[step.index % Math.max(1, node.pending.length)];
        if (call && !call.hasRead) call.read();
        else if (step.what === 'answer') call?.answer();
      } else if (step.do === 'connect') {
        noteCursors();
        const userId = USERS[step.user] as string;
        const cursor =
          step.cursor === 'none' ? undefined : cursorsOf.get(userId)?.at(step.cursor === 'newest' ? -1 : 0);
        clients.push(node.connect(userId, cursor));
      } else if (step.do === 'close') client?.close();
      else if (step.do === 'block') client?.block();
      else client?.unblock();
      await settleCalls();
    },
    /** Everything that was held is let go, and the node looks until it has all. */
    async heal() {
      for (let round = 0; round < 50; round++) {
        for (const client of clients) client.unblock();
        for (const shard of topic.keys()) while (topic[shard]?.length) await fromTopic(shard, 'next');
        void node.look();
        await answerAll();
        now += 1_500;
        node.sessions.tick(now, 0);
        await settleCalls();
      }
    },
  };
}

/** What a client must have seen of its user's events, by the log alone; throws at the first difference. */
function checkClient(memory: MemoryLog, client: ModelClient, whole: boolean): void {
  const shardOf = (conversationId: string) => memory.conversations.get(conversationId)?.shard ?? -1;
  const visible = memory.visible(client.userId).map((record) => idOf(record, record.shard));
  const reset = wasReset(client.frames);
  // After a reset, and without a cursor, the stream is continuous from the first cursor that it gave.
  const firstCursor = client.frames.flatMap(({ frame }) => (frame.case === 'caughtUp' ? [frame.value.cursor] : []))[0];
  const first = firstCursor && cursors.open(firstCursor, client.userId).positions;
  const seen = eventsOf(client.frames, shardOf);
  const keys = new Set(visible.map(keyOf));
  for (const event of seen) expect(keys, 'nothing that the user may not see').toContain(keyOf(event));
  for (let shard = 0; shard < SHARDS; shard++) {
    const positions = seen.filter((event) => event.shard === shard).map((event) => event.position);
    expect(positions, 'in order, each once').toEqual([...new Set(positions)].sort((a, b) => a - b));
    const after = !reset && client.from ? client.from[shard] : first?.[shard];
    if (after === undefined) continue;
    const through = whole ? Number.POSITIVE_INFINITY : (positions.at(-1) ?? 0);
    const due = visible.filter((event) => event.shard === shard && event.position > after && event.position <= through);
    expect(positions.filter((position) => position > after)).toEqual(due.map((event) => event.position));
  }
  const base = reset || !client.from ? first : client.from;
  if (base) checkCursors(client, visible, base, shardOf);
}

/** A cursor covers what stands before it, all of that, and nothing that comes after. */
function checkCursors(
  client: ModelClient,
  visible: EventId[],
  base: readonly number[],
  shardOf: (id: string) => number,
): void {
  const before = new Set<string>();
  let newest: readonly number[] = base.map(() => 0);
  for (const { frame } of client.frames) {
    if (frame.case === 'event') {
      const event = idOf(frame.value, shardOf(frame.value.conversationId));
      expect(event.position, 'what comes after a cursor is not covered by it').toBeGreaterThan(
        newest[event.shard] ?? 0,
      );
      before.add(keyOf(event));
    }
    if (frame.case !== 'caughtUp' && frame.case !== 'checkpoint') continue;
    newest = cursors.open(frame.value.cursor, client.userId).positions;
    for (const event of visible) {
      const covered = event.position > (base[event.shard] ?? 0) && event.position <= (newest[event.shard] ?? 0);
      if (covered) expect(before, 'what a cursor covers was sent before it').toContain(keyOf(event));
    }
  }
}

/** What the node remembers of its streams is what their clients saw. */
function checkRemembered({ memory, node, clients }: Awaited<ReturnType<typeof startRun>>): void {
  const shardOf = (conversationId: string) => memory.conversations.get(conversationId)?.shard ?? -1;
  for (const userId of USERS) {
    const visible = memory.visible(userId).map((record) => idOf(record, record.shard));
    const streams = node.streams.find(userId, memory.epoch, 0);
    const ofUser = clients.filter((client) => client.userId === userId);
    expect(streams).toHaveLength(ofUser.length);
    for (const [index, { frames }] of ofUser.entries()) {
      const seen = new Set(eventsOf(frames, shardOf).map(keyOf));
      const stream = streams[index];
      for (const event of visible) {
        const fate = stream?.record.pushOf(event.shard, event.position, stream.written).fate;
        if (seen.has(keyOf(event))) expect(fate).toBe('pushed');
        else expect(['dropped', 'covered', 'before', 'opening', 'unread']).toContain(fate);
      }
    }
  }
}

function keyOf(event: EventId): string {
  return `${event.conversationId}/${event.seq}`;
}

describe('a node', () => {
  test('misses nothing, shows nothing twice, out of order or to a stranger, whatever the topic and the calls do', async () => {
    const statistics = { live: 0, slow: 0, reset: 0, events: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 200, size: 'max' }), async (steps) => {
        const run = await startRun();
        await run.begin();
        for (const one of steps) await run.run(one);
        for (const client of run.clients) checkClient(run.memory, client, false);
        await run.heal();
        checkRemembered(run);
        expect(run.node.log.positions()).toEqual(run.memory.heads());
        expect(run.node.deadLetters, 'set aside is what was poison, and nothing else').toHaveLength(run.poisoned());
        for (const client of run.clients) {
          checkClient(run.memory, client, client.ended === undefined);
          statistics.events += client.frames.length;
          if (wasReset(client.frames)) statistics.reset++;
          if (client.ended) {
            const reason = client.ended instanceof RpcError ? client.ended.reason : client.ended.message;
            expect(['CANCELLED', 'SLOW_CONSUMER']).toContain(reason);
            if (reason === 'SLOW_CONSUMER') statistics.slow++;
          } else {
            expect(client.frames.filter(({ frame }) => frame.case === 'caughtUp')).toHaveLength(1);
            statistics.live++;
          }
          client.close();
        }
        await nextTurn();
        await nextTurn();
        expect(run.node.hub.size).toEqual({ conversations: 0, users: 0 });
        expect({ sessions: run.node.sessions.size, queued: run.node.budget.used }).toEqual({ sessions: 0, queued: 0 });
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 250), interruptAfterTimeLimit: 60_000 },
    );
    // The model is worth something only if it gets everywhere.
    expect(statistics.live).toBeGreaterThan(50);
    expect(statistics.slow).toBeGreaterThan(0);
    expect(statistics.reset).toBeGreaterThan(0);
    expect(statistics.events).toBeGreaterThan(500);
  }, 120_000);
});
