import { Code, ConnectError } from '@connectrpc/connect';
import { type ChatStore, memoryStore, unreadCount } from '@realchat/client';
import { ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeMesh, refusal } from '../../typescript/tests/fake-mesh.ts';
import { clientOn } from '../../typescript/tests/mesh-socket.ts';
import { Chat } from '../chat/chat.ts';
import { FormProblem } from '../chat/form-problem.ts';
import { shownMessages } from '../ui/shown-messages.ts';

let mesh: FakeMesh;
let ann: string;
let bob: string;
let chats: Chat[];

beforeEach(() => {
  // Hardly any backoff: the order of things is under test here, not their pace.
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  mesh = new FakeMesh();
  ann = mesh.addUser('ann');
  bob = mesh.addUser('bob');
  chats = [];
});

afterEach(async () => {
  await Promise.all(chats.map(({ client }) => client.close()));
  vi.restoreAllMocks();
});

interface Window {
  readonly chat: Chat;
  readonly store: ChatStore;
  visible: boolean;
}

/** A window of a user on the mesh, as a page would have it. */
async function openWindow(userId: string, store = memoryStore()): Promise<Window> {
  const client = await clientOn(mesh, userId, { store, keepHistory: true });
  const chat = new Chat(client, { isVisible: () => opened.visible, changed: () => {} });
  const opened: Window = { chat, store, visible: true };
  chats.push(chat);
  void client.start();
  return opened;
}

async function liveWindow(userId: string, conversationId?: string): Promise<Window> {
  const opened = await openWindow(userId);
  const { client } = opened.chat;
  await vi.waitFor(() => expect([client.status.state, client.listed]).toEqual(['live', true]));
  if (conversationId) {
    opened.chat.show(conversationId);
    await vi.waitFor(() => expect(opened.chat.history?.reading).toBe(false));
    expect(opened.chat.history?.timeline.loaded).toBe(true);
  }
  return opened;
}

function unreadIn({ chat }: Window, conversationId: string): number | undefined {
  const entry = chat.client.conversation(conversationId);
  return entry && unreadCount(entry);
}

/** What the page shows: texts, those that wait marked. */
function shown({ chat }: Window): string[] {
  return shownMessages(chat).map(({ message, pending }) => {
    if (message) return message.content.value ?? '';
    return pending?.refusal === undefined ? `(${pending?.text})` : `(${pending.text}: ${pending.refusal})`;
  });
}

async function shows(opened: Window, texts: string[]): Promise<void> {
  await vi.waitFor(() => expect(shown(opened)).toEqual(texts), { timeout: 5_000 });
}

describe('a message that is sent', () => {
  it('is shown at once, and once, when its answer comes before its event', async () => {
    const conversation = mesh.converse([ann, bob]);
    mesh.faults.push = () => false;
    const window = await liveWindow(ann, conversation);
    window.chat.send('hello');
    expect(shown(window)).toEqual(['(hello)']);
    const key = shownMessages(window.chat)[0]?.key;
    await shows(window, ['hello']);
    expect(shownMessages(window.chat)[0]?.key).toBe(key);
    for (const event of mesh.log) mesh.pushAgain(event);
    window.chat.send('again');
    await shows(window, ['hello', 'again']);
    expect(window.chat.client.pending).toEqual([]);
  });

  it('is settled by its event when the answer never comes, and sent no more', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(ann, conversation);
    mesh.faults.afterSend = () => {
      throw new ConnectError('lost on the way', Code.Unavailable);
    };
    window.chat.send('hello');
    await shows(window, ['hello']);
    mesh.faults.afterSend = () => {};
    window.chat.send('next');
    await shows(window, ['hello', 'next']);
    expect(mesh.texts(conversation)).toEqual(['hello', 'next']);
  });

  it('is repeated with the same key until it is answered, and stored once', async () => {
    const conversation = mesh.converse([ann, bob]);
    mesh.faults.push = () => false;
    const window = await liveWindow(ann, conversation);
    let failures = 0;
    mesh.faults.beforeSend = () => {
      if (++failures <= 2) throw new ConnectError('away', Code.Unavailable);
    };
    mesh.faults.afterSend = () => {
      if (failures <= 4) throw new ConnectError('network error', Code.Unknown);
    };
    window.chat.send('hello');
    await shows(window, ['hello']);
    expect(mesh.texts(conversation)).toEqual(['hello']);
    expect(mesh.attempts).toHaveLength(5);
    expect(new Set(mesh.attempts.map(({ clientMessageId }) => clientMessageId)).size).toBe(1);
  });

  it('is committed in the order it was written in, though an earlier one has trouble', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(ann, conversation);
    let troubles = 3;
    mesh.faults.beforeSend = async (text) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (text === 'one' && troubles-- > 0) throw new ConnectError('away', Code.Unavailable);
    };
    for (const text of ['one', 'two', 'three']) window.chat.send(text);
    expect(shown(window)).toEqual(['(one)', '(two)', '(three)']);
    await shows(window, ['one', 'two', 'three']);
    expect(mesh.texts(conversation)).toEqual(['one', 'two', 'three']);
    expect(mesh.attempts.map(({ text }) => text)).toEqual(['one', 'one', 'one', 'one', 'two', 'three']);
  });

  it('stays with the reason when it is refused, holds up no other, and can be sent again or discarded', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(ann, conversation);
    mesh.faults.beforeSend = (text) => {
      if (text.startsWith('bad')) throw refusal(Code.NotFound, 'CONVERSATION_NOT_FOUND');
    };
    for (const text of ['bad one', 'bad two', 'good']) window.chat.send(text);
    const why = 'This conversation does not exist, or you are not in it.';
    await shows(window, ['good', `(bad one: ${why})`, `(bad two: ${why})`]);
    expect(window.chat.client.pending).toHaveLength(2);
    mesh.faults.beforeSend = () => {};
    const [first, second] = window.chat.client.pending;
    if (first) window.chat.client.discard(first);
    if (second) window.chat.client.retry(second);
    await shows(window, ['good', 'bad two']);
    expect(window.chat.client.pending).toEqual([]);
  });

  it('is sent by the next page of the window when the page went away first, with the same key', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(ann, conversation);
    mesh.faults.afterSend = async () => new Promise(() => {});
    mesh.faults.push = () => false;
    window.chat.send('hello');
    await vi.waitFor(() => expect(mesh.texts(conversation)).toEqual(['hello']));
    await window.chat.client.close();
    mesh.faults.afterSend = () => {};
    const next = await openWindow(ann, window.store);
    next.chat.show(conversation);
    await shows(next, ['hello']);
    await vi.waitFor(() => expect(next.chat.client.pending).toEqual([]));
    expect(mesh.texts(conversation)).toEqual(['hello']);
  });
});

describe('what others send', () => {
  it('appears live, once and in order, however often it is pushed', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    for (const text of ['one', 'two', 'three']) mesh.say(ann, conversation, text);
    for (const event of mesh.log.toReversed()) mesh.pushAgain(event);
    mesh.say(ann, conversation, 'four');
    await shows(window, ['one', 'two', 'three', 'four']);
  });

  it('is read from history when a push is missing', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    mesh.faults.push = ({ seq }) => seq % 3n === 0n;
    for (let number = 1; number <= 8; number++) mesh.say(ann, conversation, String(number));
    await shows(window, ['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('is there after the stream was lost for a while, nothing missing and nothing twice', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    mesh.say(ann, conversation, 'before');
    await shows(window, ['before']);
    mesh.breakStreams();
    mesh.say(ann, conversation, 'meanwhile');
    await vi.waitFor(() => expect([window.chat.client.status.state, mesh.streamCount]).toEqual(['live', 1]));
    mesh.say(ann, conversation, 'after');
    await shows(window, ['before', 'meanwhile', 'after']);
  });

  it('is loaded again when the stream says that it is not continuous', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    mesh.say(ann, conversation, 'before');
    await shows(window, ['before']);
    mesh.faults.reset = ResetReason.BACKLOG_TOO_LARGE;
    mesh.breakStreams();
    mesh.say(ann, conversation, 'not replayed');
    await shows(window, ['before', 'not replayed']);
    mesh.say(ann, conversation, 'after');
    await shows(window, ['before', 'not replayed', 'after']);
  });

  it('is found when it came between the first reading and the begin of the stream', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await openWindow(bob);
    window.chat.show(conversation);
    for (const text of ['one', 'two']) mesh.say(ann, conversation, text);
    await shows(window, ['one', 'two']);
    await vi.waitFor(() => expect(window.chat.client.status.state).toBe('live'));
    await shows(window, ['one', 'two']);
  });

  it('counts as unread where nobody looks, also what came while the page was closed, until it is shown', async () => {
    const quiet = mesh.converse([ann, bob]);
    const first = await liveWindow(bob);
    await first.chat.client.close();
    mesh.say(ann, quiet, 'while closed');
    // So that the stream is the faster one.
    mesh.faults.beforeList = () => new Promise((resolve) => setTimeout(resolve, 50));
    const next = await openWindow(bob, first.store);
    await vi.waitFor(() => expect(unreadIn(next, quiet)).toBe(1));
    mesh.say(ann, quiet, 'live');
    await vi.waitFor(() => expect(unreadIn(next, quiet)).toBe(2));
    next.chat.show(quiet);
    await vi.waitFor(() => expect(unreadIn(next, quiet)).toBe(0));
    await vi.waitFor(() => expect(mesh.marks.filter(({ what }) => what === 'read')).toMatchObject([{ number: 2n }]));
  });

  it('is not read while the page is hidden, or its reader is further up', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    window.visible = false;
    mesh.say(ann, conversation, 'hidden');
    await shows(window, ['hidden']);
    expect(unreadIn(window, conversation)).toBe(1);
    window.visible = true;
    window.chat.readingBack = true;
    window.chat.looked();
    expect(unreadIn(window, conversation)).toBe(1);
    window.chat.readingBack = false;
    expect(unreadIn(window, conversation)).toBe(0);
  });

  it('is shown at once by the next page of the window, before any server answers', async () => {
    const conversation = mesh.converse([ann, bob]);
    const window = await liveWindow(bob, conversation);
    for (const text of ['one', 'two']) mesh.say(ann, conversation, text);
    await shows(window, ['one', 'two']);
    await window.chat.client.close();
    mesh.say(ann, conversation, 'three');
    const gate = Promise.withResolvers<void>();
    mesh.faults.beforeRead = () => gate.promise;
    mesh.faults.beforeList = () => gate.promise;
    const next = await openWindow(bob, window.store);
    next.chat.show(conversation);
    await shows(next, ['one', 'two', 'three']);
    expect(next.chat.client.known).toHaveLength(1);
    gate.resolve();
    await vi.waitFor(() => expect(next.chat.client.listed).toBe(true));
    await shows(next, ['one', 'two', 'three']);
  });

  it('is readable page by page to the beginning', async () => {
    const conversation = mesh.converse([ann, bob]);
    const all = Array.from({ length: 120 }, (_, index) => String(index));
    for (const text of all) mesh.say(ann, conversation, text);
    const window = await liveWindow(bob, conversation);
    expect(shown(window)).toEqual(all.slice(-50));
    await window.chat.readOlder();
    await window.chat.readOlder();
    await window.chat.readOlder();
    expect(shown(window)).toEqual(all);
    expect(window.chat.history?.timeline.hasOlder).toBe(false);
  });
});

describe('conversations', () => {
  it('that others open appear by themselves, with the messages in them', async () => {
    const [here, there] = [await liveWindow(bob), await liveWindow(ann)];
    const id = await there.chat.openDirect('bob');
    there.chat.show(id);
    there.chat.send('hello');
    await vi.waitFor(() => expect(here.chat.client.conversation(id)?.latest?.content.value).toBe('hello'));
    await vi.waitFor(() => expect(unreadIn(here, id)).toBe(1));
    here.chat.show(id);
    await shows(here, ['hello']);
    expect(await here.chat.openDirect('ann')).toBe(id);
  });

  it('show up for who is added to them later', async () => {
    const group = mesh.converse([ann], 'Group');
    const window = await liveWindow(bob);
    mesh.addMember(group, bob);
    await vi.waitFor(() => expect(window.chat.client.conversation(group)?.conversation.memberCount).toBe(2));
  });

  it('can be opened with an account whose profile is not made yet', async () => {
    const window = await liveWindow(ann);
    const opening = window.chat.openDirect('cy');
    setTimeout(() => mesh.addUser('cy'), 700);
    expect(await opening).toMatch(/^conversation-/);
  });

  it('cannot be opened with nobody, and the field says so', async () => {
    const window = await liveWindow(ann);
    const [problem, group] = await Promise.all([
      window.chat.openDirect('nobody').catch((thrown: unknown) => thrown),
      window.chat.createGroup('Team', ['bob', 'nobody']).catch((thrown: unknown) => thrown),
    ]);
    expect((problem as FormProblem).fields).toEqual({ username: 'There is no user “nobody”.' });
    expect((group as FormProblem).fields).toEqual({ members: 'There is no user “nobody”.' });
    const self = await window.chat.openDirect('ann').catch((thrown: unknown) => thrown);
    expect((self as FormProblem).fields).toEqual({ username: 'You cannot open a conversation with yourself.' });
  });

  it('are made once, though the answer was lost and the form sent again', async () => {
    const window = await liveWindow(ann);
    mesh.faults.afterCreate = () => {
      throw new ConnectError('lost', Code.Unavailable);
    };
    await expect(window.chat.createGroup('Team', ['bob'])).rejects.toThrow(FormProblem);
    mesh.faults.afterCreate = () => {};
    await window.chat.createGroup('Team', ['bob']);
    expect(window.chat.client.known).toHaveLength(1);
    await window.chat.createGroup('Team', ['bob']);
    expect(window.chat.client.known).toHaveLength(2);
  });
});
