import { create } from '@bufbuild/protobuf';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { type Message, MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Pause } from '../net/pause.ts';
import { Inbox, type InboxPorts, type Listed } from './inbox.ts';

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

const listed = (conversationId: string, lastSeq: number): Listed => ({ conversationId, lastSeq: BigInt(lastSeq) });

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
    told.inbox.takeList([listed('c', LENGTH)]);
    expect(told.inbox.whole).toBe(false);
    await vi.waitFor(() => expect(told.settled).toBe(1));
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it('leaves a conversation alone of which it has told nothing', () => {
    const told = inboxOf(() => Promise.reject(new Error('asked')));
    told.inbox.passOver();
    expect(told.inbox.whole).toBe(true);
    told.inbox.takeList([listed('c', 9)]);
    told.inbox.takeList([listed('c', LENGTH)]);
    expect(told.inbox.whole).toBe(true);
  });

  it('reads what was passed over of a conversation of which it has told nothing, since it was listed, with what came before the list', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteList([listed('c', 4)]);
    told.inbox.passOver();
    told.inbox.take(eventAt(10));
    expect([told.inbox.whole, told.seqs]).toEqual([false, []]);
    // Older than the event.
    told.inbox.takeList([listed('c', 4)]);
    await vi.waitFor(() => expect(told.inbox.whole).toBe(true));
    told.inbox.take(eventAt(11));
    await vi.waitFor(() => expect(told.seqs).toEqual(messagesFrom(5)));
    expect(told.settled).toBe(1);
  });

  it('reads all that the user may of a conversation that is new since the last list, which may have been left again', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteList([]);
    told.inbox.passOver();
    told.inbox.takeList([listed('c', LENGTH)]);
    await vi.waitFor(() => expect(told.seqs).toEqual(messagesFrom(1)));
  });

  it('reads from where it stood a conversation that was left before the first list, and one that is in a list twice', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteList([listed('c', 4), listed('c', 2)]);
    told.inbox.passOver();
    told.inbox.takeList([listed('c', 7), listed('c', LENGTH)]);
    await vi.waitFor(() => expect(told.inbox.whole).toBe(true));
    expect(told.seqs).toEqual(messagesFrom(5));
  });

  it('tells a conversation that is newer than the list from its first event on, in whatever order they came', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteList([]);
    told.inbox.passOver();
    for (const seq of [8, 7, 10]) told.inbox.take(eventAt(seq));
    told.inbox.takeList([]);
    await vi.waitFor(() => expect(told.seqs).toEqual(messagesFrom(7)));
  });

  it('goes on in a shorter log from where it ends, in a conversation of which it has told nothing too', async () => {
    const told = inboxOf(listAll);
    told.inbox.noteList([listed('c', 100)]);
    told.inbox.passOver();
    told.inbox.take(eventAt(4));
    told.inbox.rewind('c', 3n);
    told.inbox.takeList([listed('c', 3)]);
    // One page.
    await vi.waitFor(() => expect(told.seqs).toEqual([4, 5]));
  });

  it('is whole again after a list that tells of nothing that was passed over', () => {
    const told = inboxOf(() => Promise.reject(new Error('asked')));
    told.inbox.noteList([listed('c', 4)]);
    told.inbox.passOver();
    expect(told.inbox.whole).toBe(false);
    told.inbox.takeList([listed('c', 4)]);
    expect([told.inbox.whole, told.settled]).toEqual([true, 1]);
    told.inbox.take(eventAt(5));
    expect(told.seqs).toEqual([5]);
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

  it('starts again from where a shorter log ends', () => {
    const told = inboxOf(listAll, new Map([['c', 9n]]));
    told.inbox.rewind('c', 3n);
    told.inbox.take(eventAt(4));
    expect(told.seqs).toEqual([4]);
  });
});
