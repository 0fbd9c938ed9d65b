import { Code, ConnectError } from '@connectrpc/connect';
import { ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryStore, type RealChat, type RealChatOptions, unreadCount } from '../index.ts';
import { FakeMesh, refusal } from './fake-mesh.ts';
import { clientOn } from './mesh-socket.ts';

let mesh: FakeMesh;
let ann: string;
let bob: string;
let cy: string;
let clients: RealChat[];

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  mesh = new FakeMesh();
  [ann, bob, cy] = ['ann', 'bob', 'cy'].map((name) => mesh.addUser(name)) as [string, string, string];
  clients = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  vi.restoreAllMocks();
});

async function live(userId: string, options: Partial<RealChatOptions> = {}): Promise<RealChat> {
  const client = await clientOn(mesh, userId, options);
  clients.push(client);
  await client.start();
  await vi.waitFor(() => expect([client.status.state, client.listed]).toEqual(['live', true]));
  return client;
}

function textsTold(client: RealChat): string[] {
  const texts: string[] = [];
  client.on('message', ({ content }) => texts.push(content.value ?? ''));
  return texts;
}

const marksOf = (what: 'read' | 'delivered') =>
  mesh.marks.filter((mark) => mark.what === what).map(({ userId, number }) => `${userId} ${number}`);

describe('read positions', () => {
  it('have no seq and stay out of the order: nothing is read again for their sake', async () => {
    const conversation = mesh.converse([ann, bob]);
    for (const text of ['one', 'two']) mesh.say(ann, conversation, text);
    const client = await live(bob);
    const texts = textsTold(client);
    const before = mesh.reads;
    mesh.read(ann, conversation, 1n);
    mesh.say(ann, conversation, 'three');
    mesh.read(bob, conversation, 2n);
    mesh.say(ann, conversation, 'four');
    await vi.waitFor(() => expect(texts).toEqual(['three', 'four']));
    expect(mesh.reads).toBe(before);
  });

  it('of the same user on another device count here', async () => {
    const conversation = mesh.converse([ann, bob]);
    for (const text of ['one', 'two', 'three']) mesh.say(ann, conversation, text);
    const client = await live(bob);
    const unread = () => unreadCount(client.conversation(conversation) as never);
    expect(unread()).toBe(3);
    mesh.read(bob, conversation, 2n);
    await vi.waitFor(() => expect(unread()).toBe(1));
  });

  it('are told to the server once, the newest alone, and count here at once', async () => {
    const conversation = mesh.converse([ann, bob]);
    for (const text of ['one', 'two', 'three']) mesh.say(ann, conversation, text);
    const client = await live(bob);
    for (const number of [1n, 2n, 3n]) client.markRead(conversation, number);
    expect(unreadCount(client.conversation(conversation) as never)).toBe(0);
    await vi.waitFor(() => expect(marksOf('read')).toEqual([`${bob} 3`]));
    client.markRead(conversation);
    mesh.say(ann, conversation, 'four');
    await vi.waitFor(() => expect(client.conversation(conversation)?.latest?.number).toBe(4n));
    client.markRead(conversation);
    await vi.waitFor(() => expect(marksOf('read')).toEqual([`${bob} 3`, `${bob} 4`]));
  });

  it('and deliveries of the others are ticks of a message, however they are heard of', async () => {
    const group = mesh.converse([ann, bob, cy], 'Team');
    const client = await live(ann);
    client.open(group);
    await client.send(group, 'hello');
    await vi.waitFor(() => expect(client.opened(group)?.timeline.messages()).toHaveLength(1));
    const [message] = client.opened(group)?.timeline.messages() ?? [];
    const ticks = () => message && client.receipts(message);
    await vi.waitFor(() => expect(ticks()).toEqual({ others: 2, delivered: 0, read: 0 }));
    mesh.whisper(bob, group, { case: 'deliveredAdvanced', value: { number: 1n } });
    await vi.waitFor(() => expect(ticks()).toEqual({ others: 2, delivered: 1, read: 0 }));
    mesh.read(cy, group, 1n);
    await vi.waitFor(() => expect(ticks()).toEqual({ others: 2, delivered: 2, read: 1 }));
    mesh.say(bob, group, 'I have seen it');
    await vi.waitFor(() => expect(ticks()).toEqual({ others: 2, delivered: 2, read: 2 }));
  });

  it('that were told while the stream was lost are asked for when it is back', async () => {
    const conversation = mesh.converse([ann, bob]);
    const client = await live(ann);
    client.open(conversation);
    const message = mesh.say(ann, conversation, 'hello');
    await vi.waitFor(() => expect(client.receipts(message)).toMatchObject({ delivered: 0 }));
    mesh.breakStreams();
    // Of a stream that is lost, nobody hears this.
    const other = await live(bob);
    other.markRead(conversation, 1n);
    await vi.waitFor(() => expect(client.receipts(message)).toMatchObject({ delivered: 1, read: 1 }));
  });
});

describe('deliveries', () => {
  it('are marked as messages arrive, gathered, and not of what the user wrote or has read', async () => {
    const conversation = mesh.converse([ann, bob]);
    await live(bob);
    for (const text of ['one', 'two', 'three']) mesh.say(ann, conversation, text);
    await vi.waitFor(() => expect(marksOf('delivered')).toEqual([`${bob} 3`]), { timeout: 2_000 });
    mesh.say(bob, conversation, 'from another device');
    mesh.say(ann, conversation, 'four');
    await vi.waitFor(() => expect(marksOf('delivered')).toEqual([`${bob} 3`, `${bob} 5`]), { timeout: 2_000 });
  });

  it('are not marked by a client that is told not to', async () => {
    const conversation = mesh.converse([ann, bob]);
    const client = await live(bob, { markDelivered: false });
    const texts = textsTold(client);
    mesh.say(ann, conversation, 'one');
    await vi.waitFor(() => expect(texts).toEqual(['one']));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(mesh.marks).toEqual([]);
  });
});

describe('the cursor', () => {
  it('is acknowledged when it has moved, the newest alone', async () => {
    const conversation = mesh.converse([ann, bob]);
    await live(bob, { markDelivered: false });
    for (const text of ['one', 'two', 'three']) mesh.say(ann, conversation, text);
    await vi.waitFor(() => expect(mesh.acks).toEqual([`${bob} at 4`]), { timeout: 4_000 });
  });
});

describe('typing', () => {
  it('is heard of, and ends with the message', async () => {
    const conversation = mesh.converse([ann, bob]);
    const [here, there] = [await live(ann), await live(bob)];
    const heard: string[] = [];
    here.on('typing', ({ userIds }) => heard.push(userIds.join()));
    there.typed(conversation);
    await vi.waitFor(() => expect(here.typingIn(conversation)).toEqual([bob]));
    expect(there.typingIn(conversation)).toEqual([]);
    mesh.say(bob, conversation, 'hello');
    await vi.waitFor(() => expect(here.typingIn(conversation)).toEqual([]));
    expect(heard).toEqual([bob, '']);
    await there.send(conversation, 'again');
    await vi.waitFor(() => expect(mesh.typing.map(({ active }) => active)).toEqual([true, false]));
  });
});

describe('what tools can see', () => {
  it('is each attempt to send and what came of it, each event as it came, and why a stream was reset', async () => {
    const conversation = mesh.converse([ann, bob]);
    const client = await live(ann);
    const seen: string[] = [];
    client.on('attempt', ({ outcome, reason, message }) => seen.push(`${outcome} ${reason ?? message?.seq}`));
    client.on('pushed', ({ seq }) => seen.push(`pushed ${seq}`));
    client.on('reset', (reason) => seen.push(`reset ${reason}`));
    mesh.faults.push = () => false;
    let attempts = 0;
    mesh.faults.beforeSend = (text) => {
      if (text === 'bad') throw refusal(Code.NotFound, 'CONVERSATION_NOT_FOUND');
      if (++attempts === 1) throw new ConnectError('away', Code.Unavailable);
    };
    await client.send(conversation, 'good');
    await client.send(conversation, 'bad');
    await vi.waitFor(() => expect(seen).toEqual(['unknown ', 'stored 2', 'refused CONVERSATION_NOT_FOUND']));
    for (let repeat = 0; repeat < 2; repeat++) for (const event of mesh.log) mesh.pushAgain(event);
    await vi.waitFor(() => expect(seen.slice(3)).toEqual(['pushed 1', 'pushed 2', 'pushed 1', 'pushed 2']));
    mesh.faults.reset = ResetReason.EPOCH_CHANGED;
    mesh.breakStreams();
    await vi.waitFor(() => expect(seen.slice(7)).toEqual([`reset ${ResetReason.EPOCH_CHANGED}`]));
  });
});

describe('after a reset', () => {
  it('what was passed over is told, once and in order: of conversations of which nothing was told, and of new ones', async () => {
    const known = mesh.converse([ann, bob]);
    for (const text of ['before', 'earlier']) mesh.say(ann, known, text);
    const client = await live(bob);
    const texts = textsTold(client);
    mesh.faults.reset = ResetReason.BACKLOG_TOO_LARGE;
    mesh.faults.early = true;
    const listing = Promise.withResolvers<void>();
    mesh.faults.beforeList = () => listing.promise;
    mesh.breakStreams();
    mesh.say(ann, known, 'missed');
    const fresh = mesh.converse([ann, bob, cy], 'let in meanwhile');
    for (const text of ['first', 'pushed before the end of the replay']) mesh.say(ann, fresh, text);
    await vi.waitFor(() => expect(mesh.streamCount).toBe(1));
    mesh.say(cy, fresh, 'second');
    mesh.say(ann, known, 'pushed before the list');
    listing.resolve();
    await vi.waitFor(() => expect(texts).toHaveLength(5));
    mesh.say(ann, fresh, 'third');
    await vi.waitFor(() => expect(texts).toHaveLength(6));
    const inFresh = ['first', 'pushed before the end of the replay', 'second', 'third'];
    expect(texts.filter((text) => inFresh.includes(text))).toEqual(inFresh);
    expect(texts.filter((text) => !inFresh.includes(text))).toEqual(['missed', 'pushed before the list']);
  });

  it('what was said while the user was in is told of conversations that were left meanwhile, and nothing of those left before', async () => {
    const before = mesh.converse([ann, bob], 'left before');
    const told = mesh.converse([ann, bob], 'told of');
    mesh.say(ann, before, 'before this client');
    mesh.removeMember(before, bob);
    const client = await live(bob);
    const texts = textsTold(client);
    mesh.say(ann, told, 'live');
    await vi.waitFor(() => expect(texts).toEqual(['live']));
    mesh.faults.reset = ResetReason.BACKLOG_TOO_LARGE;
    mesh.breakStreams();
    mesh.say(ann, told, 'passed over');
    mesh.removeMember(told, bob);
    mesh.say(ann, told, 'after the leave');
    const fresh = mesh.converse([ann, bob], 'in and out');
    mesh.say(ann, fresh, 'first stint');
    mesh.removeMember(fresh, bob);
    const again = mesh.converse([ann, bob], 'in, out and in again');
    mesh.say(ann, again, 'earlier stint');
    mesh.removeMember(again, bob);
    mesh.addMember(again, bob);
    mesh.say(ann, again, 'later stint');
    await vi.waitFor(() => expect(texts).toHaveLength(5));
    mesh.say(ann, again, 'live again');
    await vi.waitFor(() => expect(texts).toHaveLength(6));
    const ofAgain = ['earlier stint', 'later stint', 'live again'];
    expect(texts.filter((text) => ofAgain.includes(text))).toEqual(ofAgain);
    expect(texts.toSorted()).toEqual(['live', 'passed over', 'first stint', ...ofAgain].toSorted());
  });
});

describe('what is kept', () => {
  it('is forgotten by a logout, all but the id of the device', async () => {
    const conversation = mesh.converse([ann, bob]);
    const texts = new Map<string, string>();
    const memory = memoryStore();
    const store = {
      get: (name: string) => memory.get(name),
      set: (name: string, text: string | undefined) => {
        if (text === undefined) texts.delete(name);
        else texts.set(name, text);
        return memory.set(name, text);
      },
    };
    const client = await live(ann, { store, keepHistory: true, deviceId: 'device' });
    client.open(conversation);
    mesh.say(bob, conversation, 'secret');
    const kept = () => [...texts.keys()].map((name) => name.split('.')[0]);
    const names = ['conversations', 'cursor', 'histories', 'history'];
    await vi.waitFor(() => expect(kept()).toEqual(expect.arrayContaining(names)), { timeout: 3_000 });
    await client.logout().catch(() => {});
    expect(kept()).toEqual([]);
  });

  it('goes on after it is much too old, or of another log, without what lies in between', async () => {
    const conversation = mesh.converse([ann, bob]);
    const store = memoryStore();
    const first = await live(bob, { store, keepHistory: true });
    mesh.say(ann, conversation, 'long ago');
    first.open(conversation);
    await vi.waitFor(() => expect(first.opened(conversation)?.timeline.messages()).toHaveLength(1));
    await first.close();
    for (let number = 1; number <= 300; number++) mesh.say(ann, conversation, String(number));
    const before = mesh.reads;
    mesh.faults.reset = ResetReason.BACKLOG_TOO_LARGE;
    const next = await live(bob, { store, keepHistory: true, markDelivered: false });
    next.open(conversation);
    await vi.waitFor(() => expect(next.opened(conversation)?.timeline.messages()).toHaveLength(50));
    expect(next.opened(conversation)?.timeline.hasOlder).toBe(true);
    expect(mesh.reads - before).toBeLessThanOrEqual(2);
  });
});
