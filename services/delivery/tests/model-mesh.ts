import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventRecord } from '@realchat/eventlog';
import { MemoryLog } from './memory-log.ts';
import { asTopicRecord, createModelNode, cursors, type ModelClient, type ModelParts } from './model-node.ts';
import { CONVERSATIONS, NODES, SHARDS, type Step, type TopicStep, USERS } from './model-steps.ts';

type ModelNode = ReturnType<typeof createModelNode>;

/** A node with its own place in the topic. */
interface Slot {
  node: ModelNode;
  /** By shard: what the topic has yet to give it. */
  queues: EventRecord[][];
  lastTaken: EventRecord[];
  clients: ModelClient[];
  /** Records that it could not read, and has to set aside. */
  poisoned: number;
}

/** How often what is rare has happened. */
export interface Happened {
  crashes: number;
  /** Records that a relay published again after others that came later. */
  stale: number;
  /** Records that a consumer was given again. */
  replayed: number;
  lost: number;
  rejoins: number;
  resumedElsewhere: number;
}

/** One run of the model: a log, its relay, a topic that loses and repeats, nodes that die, their clients. */
export async function startModelMesh(parts: ModelParts = {}) {
  const memory = new MemoryLog(SHARDS);
  /** By shard, all that was ever published, by offset. */
  const topic: EventRecord[][] = Array.from({ length: SHARDS }, () => []);
  const happened: Happened = { crashes: 0, stale: 0, replayed: 0, lost: 0, rejoins: 0, resumedElsewhere: 0 };
  const newSlot = (queues: EventRecord[][]): Slot => ({
    node: createModelNode(memory, parts),
    queues,
    lastTaken: [],
    clients: [],
    poisoned: 0,
  });
  const slots = Array.from({ length: NODES }, () => newSlot(topic.map(() => [])));
  const publish = (record: EventRecord) => {
    const ofShard = topic[record.partition] as EventRecord[];
    const published = { ...record, offset: BigInt(ofShard.length) };
    ofShard.push(published);
    for (const { queues } of slots) queues[record.partition]?.push(published);
  };
  memory.onCommit = (record) => publish(asTopicRecord(record));
  for (const [i, conversation] of CONVERSATIONS.entries()) memory.create(conversation, i % SHARDS, ['u0', 'u1']);
  const clients: ModelClient[] = [];
  const left = new Set<string>();
  const cursorsOf = new Map<string, { cursor: Uint8Array; node: ModelNode }[]>();
  let now = performance.now();

  const settleCalls = async () => {
    for (let i = 0; i < 5; i++) await nextTurn();
  };
  const answerAll = async ({ node }: Slot) => {
    while (node.pending.length > 0) {
      for (const call of node.pending.slice()) {
        if (!call.hasRead) call.read();
        call.answer();
      }
      await settleCalls();
    }
  };
  const noteCursors = () => {
    for (const { node, clients: ofSlot } of slots) {
      for (const { userId, frames } of ofSlot) {
        const seen = frames.flatMap(({ frame }) =>
          frame.case === 'caughtUp' || frame.case === 'checkpoint' ? [{ cursor: frame.value.cursor, node }] : [],
        );
        cursorsOf.set(userId, [...(cursorsOf.get(userId) ?? []), ...seen]);
      }
    }
  };
  const take = async (slot: Slot, record: EventRecord) => {
    slot.lastTaken[record.partition] = record;
    await slot.node.take(record);
  };
  const fromTopic = async (slot: Slot, shard: number, what: TopicStep) => {
    const queue = slot.queues[shard] ?? [];
    const record =
      what === 'repeat' ? slot.lastTaken[shard] : what === 'overtake' ? queue.splice(1, 1)[0] : queue.shift();
    if (!record) return;
    if (what === 'lose') happened.lost++;
    else if (what === 'poison') {
      if (slot.node.log.known) slot.poisoned++;
      await slot.node.take({ ...record, key: null });
    } else await take(slot, record);
  };

  const steps: { [D in Step['do']]: (step: Extract<Step, { do: D }>, slot: Slot) => Promise<void> | void } = {
    message: ({ conversation }) => void memory.message(CONVERSATIONS[conversation] as string),
    /** More than a ring holds, all at once. */
    async burst({ conversation }, slot) {
      for (let i = 0; i < 7; i++)
        await fromTopic(slot, memory.message(CONVERSATIONS[conversation] as string).shard, 'next');
    },
    supersede: () => memory.supersede(0),
    'toggle-member'({ conversation, user }) {
      const [where, who] = [CONVERSATIONS[conversation] as string, USERS[user] as string];
      if (memory.isMember(where, who)) {
        memory.remove(where, who);
        left.add(`${where}/${who}`);
        return;
      }
      if (left.has(`${where}/${who}`)) happened.rejoins++;
      memory.add(where, who);
    },
    look: (_, slot) => void slot.node.look(),
    tick(_, slot) {
      now += 1_500;
      slot.node.sessions.tick(now, 0);
    },
    topic: ({ shard, what }, slot) => fromTopic(slot, shard, what),
    /** A relay that takes itself for the owner of the shard still publishes what it once read. */
    zombie({ shard, back, count }) {
      const stale = topic[shard]?.slice(-back).slice(0, count) ?? [];
      happened.stale += stale.length;
      for (const record of stale) publish(record);
    },
    /** The consumer begins again at an offset that it had passed. */
    replay({ shard, back }, slot) {
      const rest = slot.queues[shard]?.length ?? 0;
      slot.queues[shard] = topic[shard]?.slice(-(rest + back)) ?? [];
      happened.replayed += (slot.queues[shard]?.length ?? 0) - rest;
    },
    /** All that the node knew is gone, its streams end without a word, and a new one has its place. */
    crash({ node, back }, slot) {
      noteCursors();
      for (const client of slot.clients) client.cut();
      slots[node] = newSlot(topic.map((records) => (back > 0 ? records.slice(-back) : [])));
      void slots[node].node.look();
      happened.crashes++;
    },
    call({ index, what }, { node }) {
      const call = node.pending[index % Math.max(1, node.pending.length)];
      if (call && !call.hasRead) call.read();
      else if (what === 'answer') call?.answer();
    },
    connect({ user, cursor: which }, slot) {
      noteCursors();
      const userId = USERS[user] as string;
      const known = which === 'none' ? undefined : cursorsOf.get(userId)?.at(which === 'newest' ? -1 : 0);
      if (known && known.node !== slot.node) happened.resumedElsewhere++;
      const client = slot.node.connect(userId, known?.cursor);
      clients.push(client);
      slot.clients.push(client);
    },
    close: ({ index }) => clients[index % Math.max(1, clients.length)]?.close(),
    block: ({ index }) => clients[index % Math.max(1, clients.length)]?.block(),
    unblock: ({ index }) => clients[index % Math.max(1, clients.length)]?.unblock(),
  };

  return {
    memory,
    slots,
    clients,
    happened,
    async begin() {
      for (const slot of slots) {
        void slot.node.look();
        await answerAll(slot);
      }
    },
    async run(step: Step) {
      const slot = slots['node' in step ? step.node : 0] as Slot;
      await steps[step.do](step as never, slot);
      await settleCalls();
    },
    /** Everything that was held is let go, and the nodes look until they have all. */
    async heal() {
      for (let round = 0; round < 50; round++) {
        now += 1_500;
        for (const client of clients) client.unblock();
        for (const slot of slots) {
          for (const [shard, queue] of slot.queues.entries())
            while (queue.length > 0) await fromTopic(slot, shard, 'next');
          void slot.node.look();
          await answerAll(slot);
          slot.node.sessions.tick(now, 0);
        }
        await settleCalls();
      }
    },
  };
}

export type ModelMesh = Awaited<ReturnType<typeof startModelMesh>>;

/** What the cursors of the model's nodes say. */
export const positionsOf = (cursor: Uint8Array, userId: string): readonly number[] =>
  cursors.open(cursor, userId).positions;
