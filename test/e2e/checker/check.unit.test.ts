import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check, type InvariantName } from './check.ts';
import type { History, Observation } from './history.ts';
import { makeHistory } from './made-history.ts';

const size = { users: 4, conversations: 3, messages: 60 };

test('a history that keeps every promise is found good, whatever its repeats, retries, refusals and resets', () => {
  const seeds = fc.infiniteStream(fc.nat());
  fc.assert(
    fc.property(seeds, (numbers) => {
      const history = makeHistory((below) => Number(numbers.next().value) % below, size);
      expect(check(history).violations).toEqual({});
    }),
    { numRuns: 200 },
  );
});

describe('each broken promise is found, by its name', () => {
  const cases: [what: string, invariants: InvariantName[], mutate: (history: History) => void][] = [
    ['an acked message is gone from the log', ['durable'], (h) => void h.stored.splice(lastMessage(h), 1)],
    ['a member cannot read an acked message', ['durable'], (h) => void readOf(h).messages.pop()],
    ['a member never read a conversation', ['durable'], (h) => void h.reads.pop()],
    [
      'an acked message says something else in the log',
      ['durable', 'once'],
      (h) => {
        messageOf(h.stored[lastMessage(h)]).text = 'forged';
      },
    ],
    [
      'an acked message is stored under another id',
      ['durable', 'once'],
      (h) => {
        messageOf(h.stored[lastMessage(h)]).messageId = 'another';
      },
    ],
    ['a device misses a message in the middle', ['delivered', 'ordered'], (h) => void pushes(h).splice(10, 1)],
    [
      'a device misses the last message, which no later one reveals',
      ['delivered'],
      (h) => {
        const { observations } = deviceOf(h);
        const last = observations.findLastIndex((each) => each.kind === 'push' && each.event.message);
        const { event } = observations[last] as Push;
        deviceOf(h).observations = observations.filter(
          (each) => each.kind === 'reset' || !isSamePlace(each.event, event),
        );
      },
    ],
    [
      'a device is shown two messages in the wrong order',
      ['ordered'],
      (h) => {
        const [a, b] = neighbours(h);
        [a.event, b.event] = [b.event, a.event];
      },
    ],
    [
      'a repeated send is stored twice',
      ['once'],
      (h) => {
        const twin = structuredClone(h.stored[lastMessage(h)]);
        if (!twin) throw new Error('nothing is stored');
        const ofConversation = h.stored.filter((event) => event.conversation === twin.conversation);
        const shard = h.stored.filter((event) => event.shard === twin.shard);
        twin.seq = Math.max(...ofConversation.map((event) => event.seq)) + 1;
        twin.position = Math.max(...shard.map((event) => event.position)) + 1;
        messageOf(twin).messageId = 'twin';
        messageOf(twin).number = ofConversation.filter((event) => event.message).length + 1;
        h.stored.push(twin);
      },
    ],
    [
      'a repeated send is acked with another seq',
      ['once'],
      (h) => {
        const send = h.sends.find((each) => each.answers.some((answer) => answer.kind === 'ok'));
        send?.answers.push({ kind: 'ok', at: 1e9, seq: 9999, messageId: 'another' });
      },
    ],
    [
      'two devices are shown different texts at one seq',
      ['once', 'noPhantom'],
      (h) => {
        const push = structuredClone(pushes(h)[5] as Push);
        messageOf(push.event).text = 'forged';
        pushes(h)[5] = push;
      },
    ],
    [
      'a seq is skipped',
      ['gapless'],
      (h) => {
        for (const event of h.stored) if (event.conversation === 'conversation-0' && event.seq > 5) event.seq++;
      },
    ],
    [
      'a position is skipped',
      ['gapless'],
      (h) => {
        for (const event of h.stored) if (event.shard === 0 && event.position > 5) event.position++;
      },
    ],
    [
      'a message number is skipped',
      ['gapless'],
      (h) => {
        for (const { conversation, message } of h.stored) {
          if (message && conversation === 'conversation-0' && message.number > 5) message.number++;
        }
      },
    ],
    [
      'positions run against seqs',
      ['gapless'],
      (h) => {
        const [a, b] = h.stored.filter((event) => event.conversation === 'conversation-1');
        if (a && b) [a.position, b.position] = [b.position, a.position];
      },
    ],
    [
      'a message was sent after another was acked, and stands before it',
      ['realTime'],
      (h) => {
        const acked = h.sends.filter(
          (send) => send.conversation === 'conversation-0' && send.answers.some((a) => a.kind === 'ok'),
        );
        const first = acked[0];
        if (first) first.invokedAt = 1e9;
      },
    ],
    [
      'a sender had been shown a message, and its own stands before it',
      ['realTime'],
      (h) => {
        const send = h.sends.find((each) => each.answers.some((answer) => answer.kind === 'ok'));
        const device = h.devices.find((each) => each.device === send?.device);
        if (!send || !device) throw new Error('nobody sent');
        send.invokedAt = 1e9;
        for (const answer of send.answers) answer.at = 2e9;
      },
    ],
    [
      'something is shown that nobody sent',
      ['noPhantom'],
      (h) => {
        const push = structuredClone(pushes(h).at(-1) as Push);
        push.event.seq++;
        push.event.message = { messageId: 'phantom', number: 99, sender: 'user-0', key: 'phantom', text: 'boo' };
        pushes(h).push(push);
      },
    ],
    [
      'a refused message is shown',
      ['noPhantom'],
      (h) => {
        const event = h.stored[lastMessage(h)];
        for (const send of h.sends) {
          if (send.key === event?.message?.key) send.answers = [{ kind: 'refused', at: 0, reason: 'NOT_FOUND' }];
        }
      },
    ],
    [
      'a stranger is shown a message',
      ['isolated'],
      (h) => {
        h.members = new Map([...h.members].filter(([name]) => name !== 'conversation-0'));
      },
    ],
    ['a stranger reads a message', ['isolated'], (h) => void h.reads.push({ ...readOf(h), user: 'stranger' })],
    [
      'an event is not in the topic',
      ['published'],
      (h) => {
        const gone = h.published.at(-1);
        h.published = h.published.filter((each) => each.shard !== gone?.shard || each.position !== gone.position);
      },
    ],
    [
      'two events are swapped in the topic',
      ['published'],
      (h) => {
        const [a, b] = [h.published[0], h.published[1]];
        if (a && b) [h.published[0], h.published[1]] = [b, a];
      },
    ],
    [
      'the topic has another event at a position',
      ['published'],
      (h) => {
        const record = { ...h.published[0] } as History['published'][number];
        record.seq = 77;
        h.published[0] = record;
      },
    ],
  ];

  test.each(cases)('%s', (_what, invariants, mutate) => {
    const history = goodHistory();
    expect(check(history).violations).toEqual({});
    mutate(history);
    expect(Object.keys(check(history).violations)).toEqual(expect.arrayContaining(invariants));
  });

  test('and every invariant has such a case', () => {
    const proven = new Set(cases.flatMap(([, invariants]) => invariants));
    const all = [
      'delivered',
      'durable',
      'gapless',
      'isolated',
      'noPhantom',
      'once',
      'ordered',
      'published',
      'realTime',
    ];
    expect([...proven].toSorted()).toEqual(all);
  });
});

test('repeats on the wire and in the topic are counted, not condemned', () => {
  const history = goodHistory();
  const before = check(history).counts;
  pushes(history).push(pushes(history)[0] as Push);
  history.published.push(history.published[0] as History['published'][number]);
  const { counts, violations } = check(history);
  expect(violations).toEqual({});
  expect(counts.shownTwice).toBe(before.shownTwice + 1);
  expect(counts.publishedTwice).toBe(before.publishedTwice + 1);
});

type Push = Extract<Observation, { kind: 'push' | 'list' }>;

/** Always the same one, without repeats and resets, so that each case breaks just what it means to. */
function goodHistory(): History {
  let state = 1;
  const pick = (below: number) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  const history = makeHistory(pick, size);
  for (const device of history.devices) {
    const seen = new Set<string>();
    device.observations = device.observations.filter((each) => {
      if (each.kind === 'reset') return false;
      const place = `${each.event.conversation}/${each.event.seq}`;
      each.kind = 'push';
      return !seen.has(place) && seen.add(place);
    });
  }
  history.published = [...Map.groupBy(history.stored, (event) => event.shard).values()].flat();
  return history;
}

function deviceOf(history: History) {
  return history.devices[0] as History['devices'][number];
}

function pushes(history: History): Observation[] {
  return deviceOf(history).observations;
}

/** Two pushes of one conversation in a row. */
function neighbours(history: History): [Push, Push] {
  const list = pushes(history) as Push[];
  const second = list.findIndex((each, i) => i > 8 && list[i - 1]?.event.conversation === each.event.conversation);
  return [list[second - 1] as Push, list[second] as Push];
}

function readOf(history: History) {
  return history.reads.find((read) => read.messages.length > 1) as History['reads'][number];
}

function lastMessage(history: History): number {
  return history.stored.findLastIndex((event) => event.message);
}

function messageOf(event: History['stored'][number] | Push['event'] | undefined) {
  if (!event?.message) throw new Error('this is no message');
  return event.message;
}

function isSamePlace(a: { conversation: string; seq: number }, b: { conversation: string; seq: number }): boolean {
  return a.conversation === b.conversation && a.seq === b.seq;
}
