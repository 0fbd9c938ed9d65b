import { create } from '@bufbuild/protobuf';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { type Message, MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Lists } from '../chat/conversation-sync.ts';
import { Pause } from '../net/pause.ts';
import { Inbox, type InboxPorts } from './inbox.ts';

const LENGTH = 12;
// Each third event of a conversation is no message.
const isMessage = (seq: number) => seq % 3 !== 0;
const messagesFrom = (first: number, last = LENGTH) =>
  Array.from({ length: LENGTH }, (_, i) => i + 1).filter((seq) => seq >= first && seq <= last && isMessage(seq));

function messageAt(seq: number): Message {
  return create(MessageSchema, { conversationId: 'c', seq: BigInt(seq) });
}

function eventAt(seq: number): ConversationEvent {
  const place = { conversationId: 'c', seq: BigInt(seq) };
  if (!isMessage(seq))
    return create(ConversationEventSchema, { ...place, change: { case: 'membersAdded', value: {} } });
  const change = { case: 'messageSent' as const, value: { message: messageAt(seq) } };
  return create(ConversationEventSchema, { ...place, change });
}

/** The one conversation as the lists have it; what they do not know of those that were left is said by null. */
function lists({
  lastSeq,
  joinedSeq = 1,
  left,
}: {
  lastSeq?: number;
  joinedSeq?: number;
  left?: number | null;
}): Lists {
  const conversationId = 'c';
  return {
    present: lastSeq === undefined ? [] : [{ conversationId, lastSeq: BigInt(lastSeq), joinedSeq: BigInt(joinedSeq) }],
    left: left === null ? undefined : left === undefined ? [] : [{ conversationId, leftSeq: BigInt(left) }],
  };
}

interface Told {
  readonly inbox: Inbox;
  readonly seqs: number[];
  settled: number;
}

function inboxOf(list: InboxPorts['list'], marks = new Map<string, bigint>()): Told {
  const seqs: number[] = [];
  const inbox = new Inbox(marks, {
    list,
    message: ({ seq }) => seqs.push(Number(seq)),
    settled: () => {
      told.settled++;
    },
    pause: new Pause(),
  });
  const told: Told = { inbox, seqs, settled: 0 };
  return told;
}

/** Pages of two messages, of all that is committed. */
const listAll: InboxPorts['list'] = async (_, afterSeq) => {
  const seqs = messagesFrom(Number(afterSeq) + 1).slice(0, 2);
  return { messages: seqs.map(messageAt), throughSeq: BigInt(seqs.length < 2 ? LENGTH : (seqs[1] ?? LENGTH)) };
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Inbox', () => {
  it('tells each message once and in order, whatever is lost, repeated or overtaken on the way', async () => {
    // From the first event on that arrives: the conversation begins there for this client.
    const arrivals = fc.array(fc.integer({ min: 1, max: LENGTH }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(arrivals, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), async (seqs, waits) => {
        const told = inboxOf(listAll);
        for (const [i, seq] of seqs.entries()) {
          told.inbox.take(eventAt(seq));
          if (waits[i]) await Promise.resolve();
        }
        await vi.waitFor(() => expect(told.inbox.whole).toBe(true), { interval: 1 });
        told.inbox.take(eventAt(LENGTH));
        await vi.waitFor(() => expect(told.inbox.whole).toBe(true), { interval: 1 });
        expect(told.seqs).toEqual(messagesFrom(seqs[0] ?? 1));
      }),
    );
  });

  it('goes on after the seqs of an earlier client, and tells nothing of them again', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    for (const seq of [3, 4, 5, 6, 7]) told.inbox.take(eventAt(seq));
    expect(told.seqs).toEqual([5, 7]);
    expect(told.inbox.moved()).toEqual(new Map([['c', 7n]]));
  });

  it('reads the tail that no event has told of, once the list says how far a conversation goes', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    told.inbox.takeLists(lists({ lastSeq: LENGTH }));
    expect(told.inbox.whole).toBe(false);
    await vi.waitFor(() => expect(told.settled).toBe(1));
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it('leaves a conversation alone of which it has told nothing', () => {
    const told = inboxOf(() => Promise.reject(new Error('asked')));
    told.inbox.passOver(true);
    told.inbox.takeLists(lists({ lastSeq: 9 }));
    told.inbox.takeLists(lists({ lastSeq: LENGTH }));
    expect(told.inbox.whole).toBe(true);
  });

  it('goes on behind a gap that this user may not read', async () => {
    const told = inboxOf(() => Promise.reject(new Error('no member')), new Map([['c', 1n]]));
    told.inbox.take(eventAt(7));
    await vi.waitFor(() => expect(told.settled).toBe(1));
    told.inbox.take(eventAt(8));
    expect(told.seqs).toEqual([8]);
  });

  it('does not ask for ever when the server never covers a seq', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const list = vi.fn<InboxPorts['list']>(async () => ({ messages: [], throughSeq: 1n }));
    const told = inboxOf(list, new Map([['c', 1n]]));
    told.inbox.take(eventAt(3));
    await vi.waitFor(() => expect(told.settled).toBe(1));
    expect(list).toHaveBeenCalledTimes(5);
  });
});

const isWhole = (told: Told) => vi.waitFor(() => expect(told.inbox.whole).toBe(true));

describe('Inbox, when events were passed over', () => {
  it.each([
    ['stood where it stands', { lastSeq: 4 }, {}, 5],
    ['was left before', { left: 4 }, {}, 5],
    ['was left, and let in again, between the first lists', { lastSeq: 2, left: 4 }, {}, 5],
    ['is new', {}, {}, 1],
    ['is new, and was not listed with all that were left', { left: null }, { joinedSeq: 6 }, 6],
  ])('reads a conversation that %s, with what came before the lists', async (_, stood, listed, from) => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists(stood));
    told.inbox.passOver(true);
    told.inbox.take(eventAt(10));
    expect([told.inbox.whole, told.seqs]).toEqual([false, []]);
    // Older than the event.
    told.inbox.takeLists(lists({ lastSeq: 9, ...listed }));
    told.inbox.take(eventAt(11));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(from));
    expect(told.settled).toBe(1);
  });

  it('reads what was said in a membership that began and ended meanwhile, also when there is one again', async () => {
    for (const again of [{}, { lastSeq: 8, joinedSeq: 7 }]) {
      const told = inboxOf(listAll);
      told.inbox.noteLists(lists({}));
      told.inbox.passOver(true);
      told.inbox.takeLists(lists({ left: LENGTH, ...again }));
      await isWhole(told);
      expect(told.seqs).toEqual(messagesFrom(1));
    }
  });

  it('reads to its end a conversation that was told of and left meanwhile', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    told.inbox.passOver(true);
    told.inbox.takeLists(lists({ left: LENGTH }));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it('does not take for new what was left before, when a server that did not list those does so now', async () => {
    const told = inboxOf(() => Promise.reject(new Error('asked')));
    told.inbox.noteLists(lists({ left: null }));
    told.inbox.passOver(true);
    told.inbox.takeLists(lists({ left: 9 }));
    expect(told.inbox.whole).toBe(true);
  });

  it('does not forget where what was left stood, when a server does not list it', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists({ left: 4 }));
    told.inbox.takeLists(lists({ left: null }));
    told.inbox.passOver(true);
    told.inbox.takeLists(lists({ left: LENGTH }));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it.each([
    ['newer than the lists from its first event on, in whatever order they came', {}, [8, 7, 10], 7],
    ['in no list any more from where it stood', { lastSeq: 5 }, [9], 6],
  ])('tells a conversation that is %s', async (_, stood, came, from) => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists(stood));
    told.inbox.passOver(true);
    for (const seq of came) told.inbox.take(eventAt(seq));
    told.inbox.takeLists(lists({}));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(from));
  });

  it('is whole again after lists that tell of nothing that was passed over', () => {
    const told = inboxOf(() => Promise.reject(new Error('asked')));
    told.inbox.noteLists(lists({ lastSeq: 4 }));
    told.inbox.passOver(true);
    expect(told.inbox.whole).toBe(false);
    told.inbox.takeLists(lists({ lastSeq: 4 }));
    expect([told.inbox.whole, told.settled]).toEqual([true, 1]);
    told.inbox.take(eventAt(5));
    expect(told.seqs).toEqual([5]);
  });

  it('tells nothing twice when lists are older than what was told since', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    told.inbox.passOver(true);
    told.inbox.take(eventAt(5));
    const older = lists({ lastSeq: 4 });
    told.inbox.rewind(older);
    told.inbox.takeLists(older);
    told.inbox.take(eventAt(7));
    await isWhole(told);
    // One page.
    expect(told.seqs).toEqual([5, 7, 8]);
  });

  it('tells what was pushed and is in a list of those that were left, though it seemed old', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists({ left: null }));
    told.inbox.passOver(true);
    for (const seq of [7, 8, 9]) told.inbox.take(eventAt(seq));
    told.inbox.takeLists(lists({ left: 9 }));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(7));
  });

  it('tells what was pushed and had been listed before it', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists({ lastSeq: 10 }));
    told.inbox.passOver(true);
    told.inbox.take(eventAt(10));
    told.inbox.takeLists(lists({ lastSeq: 10 }));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(10));
  });

  it('goes by the first of two lists when events are passed over before the other comes', async () => {
    const told = inboxOf(listAll);
    const { present } = lists({ lastSeq: 4 });
    told.inbox.notePresent(present);
    told.inbox.passOver(true);
    told.inbox.notePresent(lists({ lastSeq: 9 }).present);
    told.inbox.takeLists(lists({ lastSeq: LENGTH }));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it('tells what came, from there on, when there are no lists', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteLists(lists({}));
    told.inbox.passOver(true);
    for (const seq of [7, 8]) told.inbox.take(eventAt(seq));
    told.inbox.goOn();
    told.inbox.take(eventAt(10));
    await isWhole(told);
    expect(told.seqs).toEqual(messagesFrom(7));
    expect(told.settled).toBeGreaterThan(0);
  });
});

describe('Inbox, over a log that is another one', () => {
  it.each([
    ['with what came before the lists, when it has told of it', new Map([['c', 100n]]), {}, 3],
    ['with what came before the lists, when it stood elsewhere', undefined, { lastSeq: 100 }, 3],
    ['with what came and is in the lists, when it has told of it', new Map([['c', 100n]]), {}, 4],
    ['with what came and is in the lists, when it stood elsewhere', undefined, { lastSeq: 100 }, 4],
  ])('goes on from where a shorter one ends, %s', async (_, marks, stood, end) => {
    const told = inboxOf(listAll, marks);
    told.inbox.noteLists(lists(stood));
    told.inbox.passOver(true);
    told.inbox.take(eventAt(4));
    const shorter = lists({ lastSeq: end });
    told.inbox.rewind(shorter);
    told.inbox.takeLists(shorter);
    // One page.
    await vi.waitFor(() => expect(told.seqs).toEqual([4, 5]));
  });

  it('goes by the newest of two resets', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    told.inbox.passOver(true);
    told.inbox.take(eventAt(5));
    expect(told.seqs).toEqual([5]);
    told.inbox.passOver(true);
    told.inbox.passOver(false);
    const shorter = lists({ lastSeq: 4 });
    told.inbox.rewind(shorter);
    told.inbox.takeLists(shorter);
    await isWhole(told);
    told.inbox.take(eventAt(5));
    expect(told.seqs).toEqual([5, 5]);
  });

  it('does not go on reading what it read of the one before', async () => {
    const reads: (() => void)[] = [];
    const list: InboxPorts['list'] = (id, afterSeq) =>
      new Promise((resolve) => void reads.push(() => resolve(listAll(id, afterSeq))));
    const told = inboxOf(list, new Map([['c', 50n]]));
    told.inbox.take(eventAt(60));
    told.inbox.passOver(true);
    const shorter = lists({ lastSeq: 3 });
    told.inbox.rewind(shorter);
    told.inbox.takeLists(shorter);
    reads[0]?.();
    await isWhole(told);
    told.inbox.take(eventAt(4));
    expect(told.seqs).toEqual([4]);
  });

  it('begins anew with a conversation that is not in it', async () => {
    const told = inboxOf(listAll, new Map([['c', 100n]]));
    told.inbox.passOver(true);
    told.inbox.rewind(lists({}));
    told.inbox.takeLists(lists({}));
    told.inbox.take(eventAt(4));
    expect(told.seqs).toEqual([4]);
    // Who does not list all says nothing of it.
    const other = inboxOf(listAll, new Map([['c', 100n]]));
    other.inbox.passOver(true);
    other.inbox.rewind(lists({ left: null }));
    other.inbox.takeLists(lists({ left: null }));
    other.inbox.take(eventAt(4));
    expect(other.seqs).toEqual([]);
  });
});

describe('what a later client must not tell again', () => {
  it('is what was pushed since the cursor, and what was read further than was pushed', async () => {
    const told = inboxOf(listAll, new Map([['c', 4n]]));
    told.inbox.take(eventAt(5));
    expect(told.inbox.moved()).toEqual(new Map([['c', 5n]]));
    told.inbox.forgetMoves();
    expect(told.inbox.moved()).toEqual(new Map());
    told.inbox.takeLists(lists({ lastSeq: LENGTH }));
    await isWhole(told);
    told.inbox.forgetMoves();
    expect(told.inbox.moved()).toEqual(new Map([['c', BigInt(LENGTH)]]));
    for (const seq of [10, 11]) told.inbox.take(eventAt(seq));
    expect(told.inbox.moved()).toEqual(new Map([['c', BigInt(LENGTH)]]));
    told.inbox.take(eventAt(LENGTH));
    expect(told.inbox.moved()).toEqual(new Map());
  });
});
