import fc from 'fast-check';

export const SHARDS = 2;
export const NODES = 2;
export const USERS = ['u0', 'u1', 'u2'];
export const CONVERSATIONS = [0, 1, 2].map((i) => `0190f5a0-0000-7000-8000-00000000000${i}`);

export type TopicStep = 'next' | 'lose' | 'poison' | 'repeat' | 'overtake';

/** One thing that may happen to the model. */
export type Step =
  | { do: 'supersede' }
  | { do: 'message'; conversation: number }
  | { do: 'burst'; conversation: number; node: number }
  | { do: 'toggle-member'; conversation: number; user: number }
  | { do: 'look' | 'tick'; node: number }
  | { do: 'topic'; node: number; shard: number; what: TopicStep }
  | { do: 'zombie'; shard: number; back: number; count: number }
  | { do: 'replay'; node: number; shard: number; back: number }
  | { do: 'crash'; node: number; back: number }
  | { do: 'call'; node: number; index: number; what: 'read' | 'answer' }
  | { do: 'connect'; node: number; user: number; cursor: 'none' | 'newest' | 'oldest' }
  | { do: 'close' | 'block' | 'unblock'; index: number };

const nat = (max: number) => fc.nat(max);
const node = nat(NODES - 1);
const shard = nat(SHARDS - 1);
const conversation = nat(CONVERSATIONS.length - 1);
const user = nat(USERS.length - 1);
const always = <const T>(value: T) => fc.constant(value);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: always('message'), conversation }) },
  { weight: 6, arbitrary: fc.record({ do: always('toggle-member'), conversation, user }) },
  { weight: 2, arbitrary: fc.record({ do: always('supersede') }) },
  { weight: 1, arbitrary: fc.record({ do: always('burst'), conversation, node }) },
  {
    weight: 26,
    arbitrary: fc.record({
      do: always('topic'),
      node,
      shard,
      what: fc.constantFrom<TopicStep[]>('next', 'next', 'next', 'next', 'lose', 'poison', 'repeat', 'overtake'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: always('zombie'),
      shard,
      back: fc.integer({ min: 1, max: 12 }),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: always('replay'), node, shard, back: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ do: always('crash'), node, back: nat(6) }) },
  {
    weight: 26,
    arbitrary: fc.record({ do: always('call'), node, index: nat(5), what: fc.constantFrom('read', 'answer') }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('look', 'tick'), node }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: always('connect'),
      node,
      user,
      cursor: fc.constantFrom('none', 'newest', 'newest', 'oldest'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom<('close' | 'block' | 'unblock')[]>('close', 'block', 'block', 'block', 'unblock'),
      index: nat(5),
    }),
  },
);

/** What happens in one run, in order. */
export const schedules = fc.array(step, { minLength: 100, maxLength: 250, size: 'max' });
