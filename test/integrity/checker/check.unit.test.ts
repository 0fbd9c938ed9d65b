import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { History, Observation } from '../history/history.ts';
import { parseLines, readHistory } from '../history/read-history.ts';
import { check } from './check.ts';
import {
  ackedSend,
  activityOf,
  broken,
  deviceOf,
  goodHistory,
  isAcked,
  isLater,
  isMessage,
  isSamePlace,
  lastMessage,
  lastSaid,
  leaverOf,
  neighbours,
  type Push,
  pushes,
  readOf,
  SIZE,
  steadyPick,
  storedOf,
  strangerOf,
  typing,
  verdictsOf,
} from './good-history.ts';
import { makeLines } from './made-history.ts';
import { pathOf } from './path.ts';

test('a history that keeps every promise is found good, whatever its repeats, retries, refusals, resets and comings and goings', () => {
  const seeds = fc.infiniteStream(fc.nat());
  fc.assert(
    fc.property(seeds, (numbers) => {
      const history = readHistory(makeLines((below) => Number(numbers.next().value) % below, SIZE));
      expect(broken(history)).toEqual([]);
      expect(check(history, { leastAcked: 10 }).verdict).toBe(true);
    }),
    { numRuns: 60 },
  );
});

describe('each broken promise is found, by the invariant that it breaks', () => {
  const cases: [what: string, invariants: string[], mutate: (history: History) => void][] = [
    ['an acked message is gone from the log', ['I1'], (h) => void storedOf(h).splice(lastMessage(h), 1)],
    ['a member cannot read an acked message', ['I1'], (h) => void readOf(h).messages.pop()],
    ['a conversation is gone for a member', ['I1'], (h) => void (readOf(h).gone = true)],
    ['an acked message says something else in the log', ['I1', 'I3'], (h) => void (lastSaid(h).hash = 'forged')],
    ['an acked message is stored under another id', ['I1', 'I3'], (h) => void (lastSaid(h).id = 'another')],
    [
      'a read position is lost',
      ['I1'],
      (h) => {
        const number = 99;
        h.readPositions.unshift({ user: 'user-0', conversation: 'conversation-0', number, found: false, at: 0 });
      },
    ],
    [
      'a device misses a message in the middle',
      ['I2', 'I4'],
      (h) => {
        const list = pushes(h);
        const inner = list.findIndex(
          (each, i) => i > 8 && isMessage(each) && list.slice(i + 1).some((l) => isLater(l, each)),
        );
        list.splice(inner, 1);
      },
    ],
    [
      'a device misses the last message, which no later one reveals',
      ['I2'],
      (h) => {
        const list = pushes(h);
        const last = list.findLastIndex(isMessage);
        const { event } = list[last] as Push;
        deviceOf(h).observations = list.filter((each) => each.kind === 'reset' || !isSamePlace(each.event, event));
      },
    ],
    [
      'a message is stored, nobody was told so, and a device misses it',
      ['I2'],
      (h) => {
        const { event } = pushes(h).findLast(isMessage) as Push;
        const answers = [{ kind: 'unknown' as const, at: 1e9, reason: 'UNAVAILABLE' }];
        for (const send of h.sends) if (send.key === event.message?.key) Object.assign(send, { answers });
        const others = pushes(h).filter((each) => each.kind === 'reset' || !isSamePlace(each.event, event));
        deviceOf(h).observations = others;
      },
    ],
    [
      'a device is shown two messages in the wrong order',
      ['I4'],
      (h) => {
        const [a, b] = neighbours(h);
        [a.event, b.event] = [b.event, a.event];
      },
    ],
    [
      'a repeated send is stored twice, under another seq',
      ['I3'],
      (h) => {
        const stored = storedOf(h);
        const twin = structuredClone(stored[lastMessage(h)]);
        if (!twin?.message) throw new Error('nothing is stored');
        const last = (list: number[]) => Math.max(...list) + 1;
        const { conversation, shard } = twin;
        twin.seq = last(stored.filter((each) => each.conversation === conversation).map((each) => each.seq));
        twin.position = last(stored.filter((each) => each.shard === shard).map((each) => each.position));
        twin.message.id = 'twin';
        stored.push(twin);
      },
    ],
    [
      'a repeated send is acked with another seq',
      ['I3'],
      (h) => void ackedSend(h).answers.push({ kind: 'ok', at: 1e9, seq: 9999, messageId: 'another' }),
    ],
    [
      'two devices are shown different bodies at one seq',
      ['I3', 'I7'],
      (h) => {
        const push = pushes(h).find(isMessage) as Push;
        if (push.event.message) push.event = { ...push.event, message: { ...push.event.message, hash: 'forged' } };
      },
    ],
    [
      'a seq is skipped',
      ['I5'],
      (h) => {
        for (const event of storedOf(h)) if (event.conversation === 'conversation-0' && event.seq > 5) event.seq++;
      },
    ],
    [
      'a position is skipped',
      ['I5'],
      (h) => {
        for (const event of [...storedOf(h), ...(h.published ?? [])])
          if (event.shard === 0 && event.position > 5) event.position++;
      },
    ],
    [
      'a message number is skipped',
      ['I5'],
      (h) => {
        for (const read of [...h.reads.map((each) => each.messages), storedOf(h)].flat())
          if (read.message && read.conversation === 'conversation-0' && read.message.number > 5) read.message.number++;
      },
    ],
    [
      'positions run against seqs',
      ['I5'],
      (h) => {
        const [a, b] = storedOf(h).filter((event) => event.conversation === 'conversation-1');
        if (a && b) [a.position, b.position] = [b.position, a.position];
      },
    ],
    [
      'a message was sent after another was acked, and stands before it',
      ['I6'],
      (h) => {
        const acked = h.sends.find((send) => send.conversation === 'conversation-0' && isAcked(send));
        if (acked) acked.invokedAt = 1e9;
      },
    ],
    [
      'a sender had been shown a message, and its own stands before it',
      ['I6'],
      (h) => {
        const send = ackedSend(h);
        send.invokedAt = 1e9;
        for (const answer of send.answers) answer.at = 2e9;
      },
    ],
    [
      'something is shown that nobody sent',
      ['I7'],
      (h) => {
        const push = structuredClone(pushes(h).findLast(isMessage) as Push);
        push.event.seq++;
        push.event.message = { id: 'phantom', number: 99, sender: 'user-0', key: 'phantom', hash: 'boo' };
        pushes(h).push(push);
      },
    ],
    [
      'a refused message is shown',
      ['I7'],
      (h) => {
        const { key } = lastSaid(h);
        for (const send of h.sends)
          if (send.key === key) send.answers = [{ kind: 'refused', at: 0, reason: 'NOT_FOUND' }];
      },
    ],
    [
      'a stranger is shown a message',
      ['I8'],
      (h) => {
        const { device, conversation } = strangerOf(h);
        const event = storedOf(h).find((each) => each.message && each.conversation === conversation);
        device.observations.push({ kind: 'push', at: 1e5, event: structuredClone(event as Push['event']) });
      },
    ],
    [
      'a stranger is shown that somebody types',
      ['I8'],
      (h) => {
        const { device, conversation } = strangerOf(h);
        device.observations.push(typing(conversation, 1e5));
      },
    ],
    [
      'one who was put out is still shown that somebody types',
      ['I8'],
      (h) => {
        const { device, conversation } = leaverOf(h);
        const { observations } = device;
        const last = observations.findLastIndex((each) => each.kind !== 'reset' && each.event.left === device.user);
        observations.splice(last + 1, 0, typing(conversation, observations[last]?.at ?? 0));
      },
    ],
    [
      'a stranger is told who is online',
      ['I8'],
      (h) => {
        const viewer = { ...deviceOf(h), device: 'stranger', user: 'stranger', observations: [] };
        h.devices.push(viewer);
        h.presence.unshift({ at: 1e5, viewer: viewer.device, user: 'user-0', online: true });
      },
    ],
    ['a stranger reads a message', ['I8'], (h) => void h.reads.push({ ...readOf(h), user: 'stranger' })],
    [
      'a message is taken from one who had been removed, and stands after the removal',
      ['I8'],
      (h) => {
        const event = storedOf(h)[lastMessage(h)];
        if (event?.message) event.message.sender = 'stranger';
      },
    ],
    [
      'a device is shown what was sent after its user had left',
      ['I8'],
      (h) => {
        const { device, conversation, left } = leaverOf(h);
        const event = storedOf(h).find((each) => each.message && each.conversation === conversation && each.seq > left);
        device.observations.push({ kind: 'push', at: 1e5, event: structuredClone(event as Push['event']) });
      },
    ],
    [
      'a member is told to have left before a message that they are shown is sent',
      ['I8'],
      (h) => {
        const { device, conversation, leave } = leaverOf(h);
        const shown = new Set(device.observations.map((each) => each.kind !== 'reset' && each.event.message?.key));
        const before = h.sends.filter((send) => send.invokedAt < leave.at && isAcked(send) && shown.has(send.key));
        const send = before.findLast((each) => each.conversation === conversation);
        leave.at = (send?.invokedAt ?? 0) - 1;
      },
    ],
    ['a logged-out device is answered', ['I9'], (h) => void h.sessions[0]?.answered.push(1e9)],
    [
      'a logged-out device is shown something',
      ['I9'],
      (h) => {
        const tablet = h.devices.find((device) => device.device === 'user-0-tablet');
        tablet?.observations.push({ kind: 'reset', at: 1e9 - 1, reason: 'SLOW_CONSUMER' });
        tablet?.observations.push({ ...(pushes(h)[0] as Push), at: 1e9 });
      },
    ],
    [
      'an online user is told to be offline',
      ['I10'],
      (h) => void h.presence.push({ at: 1e9, viewer: 'user-1-device', user: 'user-0', online: false }),
    ],
    [
      'a backlog stays',
      ['I11'],
      (h) => {
        h.backlog = [{ at: 1e5, committed: 5000, published: 10 }];
      },
    ],
    [
      'file descriptors stay',
      ['I12'],
      (h) => void h.processes.push({ at: 1e5, process: 'messaging', rss: 100, handles: 10 * 1.5 + 17 }),
    ],
    ['memory stays', ['I12'], (h) => void h.processes.push({ at: 1e5, process: 'messaging', rss: 151, handles: 10 })],
    [
      'an event is not in the topic',
      ['I13'],
      (h) => {
        const gone = h.published?.at(-1);
        h.published = h.published?.filter((each) => each.shard !== gone?.shard || each.position !== gone.position);
      },
    ],
    [
      'two events are swapped in the topic',
      ['I13'],
      (h) => {
        const [a, b] = h.published ?? [];
        if (a && b && h.published) [h.published[0], h.published[1]] = [b, a];
      },
    ],
    [
      'the topic has another event at a position',
      ['I13'],
      (h) => {
        const [record] = h.published ?? [];
        if (record) record.seq = 77;
      },
    ],
    ['a consumer counted a message twice', ['I13'], (h) => void activityOf(h).messages++],
    ['a consumer missed a sender', ['I13'], (h) => void activityOf(h).senders--],
    ['a consumer counted nothing of a conversation', ['I13'], (h) => void h.activity?.shift()],
    ['a consumer counted what is not there', ['I13'], (h) => void (activityOf(h).day = '1999-01-01')],
    ['a good record is a dead letter', ['I13'], (h) => void h.deadLetters?.push('topic/0/8')],
    ['a poison record is no dead letter', ['I13'], (h) => void h.poison.push('topic/0/9')],
    [
      'a graceful restart refuses a send',
      ['I14'],
      (h) => {
        const [fault] = h.faults;
        ackedSend(h).answers.push({ kind: 'refused', at: fault?.from ?? 0, reason: 'UNAVAILABLE' });
      },
    ],
    [
      'a graceful restart breaks a stream',
      ['I14'],
      (h) => void deviceOf(h).closes.push({ at: h.faults[0]?.from ?? 0, code: '1006' }),
    ],
  ];

  test.each(cases)('%s', (_what, invariants, mutate) => {
    const history = goodHistory();
    expect(broken(history)).toEqual([]);
    mutate(history);
    expect(broken(history)).toEqual(expect.arrayContaining(invariants));
    expect(check(history).verdict).toBe(false);
  });

  test('and every invariant has such a case', () => {
    const proven = new Set(cases.flatMap(([, invariants]) => invariants));
    expect([...proven].toSorted()).toEqual(
      verdictsOf(goodHistory())
        .map((each) => each.id)
        .toSorted(),
    );
  });
});

test('repeats on the wire and in the topic are counted, not condemned', () => {
  const history = goodHistory();
  const before = check(history).counts;
  pushes(history).push(pushes(history)[0] as Push);
  history.published?.push(history.published[0] as never);
  expect(broken(history)).toEqual([]);
  const { counts } = check(history);
  expect(counts.shownTwice).toBe(before.shownTwice + 1);
  expect(counts.publishedTwice).toBe(before.publishedTwice + 1);
});

test('a path tells what was seen from what follows from it', () => {
  const history = goodHistory();
  history.stored = undefined;
  const device = deviceOf(history);
  const first = pushes(history).find(isMessage) as Push;
  device.checkpoints.push(first.at + 1);
  const place = { ...first.event, device: device.device };
  const taken = pathOf(history, { text: '', place }).map((step) => `${step.step} ${step.taken}`);
  const [sent, committed, published, read, pushed, acknowledged] = [
    'yes',
    'inferred',
    'unknown',
    'inferred',
    'yes',
    'inferred',
  ];
  expect(taken).toEqual(
    Object.entries({ sent, committed, published, read, pushed, acknowledged }).map(([step, how]) => `${step} ${how}`),
  );
});

test('what was said before somebody left is owed to their devices, also to one that was reset while they were out', () => {
  const history = goodHistory();
  const device = deviceOf(history);
  const list = pushes(history);
  const { at, event } = list[list.findLastIndex(isMessage)] as Push;
  device.observations = list.filter((each) => each.kind === 'reset' || !isSamePlace(each.event, event));
  const { user } = device;
  history.leaves.push({ user, conversation: event.conversation, at: at + 1, until: Number.POSITIVE_INFINITY });
  device.observations.push({ kind: 'reset', at: at + 2, reason: 'BACKLOG_TOO_LARGE' });
  expect(broken(history)).toContain('I2');
});

test('who is let in while being put out may be either: nothing that follows is a leak for certain', () => {
  const change = (op: object, at: number) => ({ type: 'membership', at, ...op });
  const both = { conversation: 'conversation-0', users: ['user-1'] };
  const lines = (add: [from: number, to: number]) => [
    change({ op: 'invoke', call: 1, what: 'remove', ...both }, 10),
    change({ op: 'invoke', call: 2, what: 'add', ...both }, add[0]),
    change({ op: 'ok', call: 1, conversation: 'conversation-0' }, 20),
    change({ op: 'ok', call: 2, conversation: 'conversation-0' }, add[1]),
  ];
  const leaveOf = (add: [number, number]) => readHistory(lines(add) as never).leaves[0];
  expect(leaveOf([15, 25])).toMatchObject({ at: 20, until: 15 });
  expect(leaveOf([30, 40])).toMatchObject({ at: 20, until: 30 });
  expect(leaveOf([5, 8])).toMatchObject({ at: 20, until: Number.POSITIVE_INFINITY });
});

test('a counter-example is told as the way of its message', () => {
  const history = goodHistory();
  const list = pushes(history);
  const others = history.devices.slice(1).flatMap((device) => device.observations) as Push[];
  const shared = (each: Observation) =>
    isMessage(each) && others.some(({ event }) => isSamePlace(event, (each as Push).event));
  const { event } = list.findLast(shared) as Push;
  deviceOf(history).observations = list.filter((each) => each.kind === 'reset' || !isSamePlace(each.event, event));
  const verdict = verdictsOf(history).find((each) => each.id === 'I2');
  expect(verdict?.counterExample?.path.map(({ step, taken }) => `${step} ${taken}`)).toEqual([
    'sent yes',
    'committed yes',
    'published yes',
    'read inferred',
    'pushed no',
    'acknowledged unknown',
  ]);
});

test('a history is the same after a walk through its file', () => {
  const lines = makeLines(steadyPick(), SIZE);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  expect(readHistory(parseLines(text))).toEqual(readHistory(lines));
});
