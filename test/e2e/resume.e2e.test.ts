import { randomUUID } from 'node:crypto';
import { memoryStore, type RealChat } from '@realchat/client';
import { until } from '@realchat/testkit';
import { afterAll, expect, test } from 'vitest';
import { newPassword, newUsername } from './clients/user.ts';
import { closeDevices, newDevice } from './support/chat-device.ts';
import { useMesh } from './support/mesh.ts';

/** Shorter than the test: each client lives through the end of several tokens. */
const TOKEN_SECONDS = 6;
const SENDS = 600;
const PATIENCE_MS = 90_000;

const mesh = useMesh({ env: { auth: { ACCESS_TOKEN_SECONDS: String(TOKEN_SECONDS) } } });
afterAll(closeDevices);

test('one client over kill -9 of gateway and delivery, an offline period, expired tokens and a reload: each message once', async () => {
  const aliceStore = memoryStore();
  const alice = newDevice(mesh(), aliceStore);
  const bobStore = memoryStore();
  let bob = newDevice(mesh(), bobStore);
  await alice.chat.register({ username: newUsername(), password: newPassword() });
  await bob.chat.register({ username: newUsername(), password: newPassword() });
  const direct = { case: 'direct' as const, value: { userId: bob.chat.userId } };
  const opening = await alice.chat.conversations.createConversation({ conversation: direct });
  const conversation = opening.conversation?.conversationId ?? '';
  await Promise.all([alice.chat.start(), bob.chat.start()]);
  await until('both are live', () => [alice, bob].every(({ chat }) => chat.status.state === 'live'), PATIENCE_MS);

  const texts = Array.from({ length: SENDS }, (_, i) => `${i} ${randomUUID()}`);
  const begun = performance.now();
  // A part for each fault, so that however long one lasts there is something left to be said.
  let written = 0;
  const sayPart = () => say(alice.chat, conversation, texts.slice(written, (written += SENDS / 4)));

  const told: string[] = [];
  let sending = sayPart();
  await until('some are told', () => bob.told.length > 30, PATIENCE_MS);
  await kill('gateway');
  await until('more are told', () => bob.told.length > 90, PATIENCE_MS);
  await sending;
  sending = sayPart();
  await kill('delivery');
  await until('more are told', () => bob.told.length > 150, PATIENCE_MS);

  await sending;

  // A reload: another client with the same store goes on where this one was closed.
  await bob.chat.close();
  told.push(...bob.told);
  sending = sayPart();
  bob = newDevice(mesh(), bobStore);
  expect(await bob.chat.resume()).toBe(true);
  await bob.chat.start();
  await until('more are told', () => bob.told.length > 60, PATIENCE_MS);

  // Nobody reaches the edge for longer than a token lives.
  const edge = mesh().stack.process('gateway');
  await sending;
  edge.pause();
  sending = sayPart();
  await kill('delivery');
  const offlineSince = performance.now();
  await until('a token has ended', () => performance.now() - offlineSince > 1.5 * TOKEN_SECONDS * 1_000, PATIENCE_MS);
  edge.resume();

  await sending;
  const all = () =>
    told.length + bob.told.length >= SENDS && Math.min(alice.confirmed.length, alice.told.length) >= SENDS;
  await until('all are told and confirmed', all, PATIENCE_MS).catch(() => {
    // The comparison tells better what is missing.
  });

  expect([...told, ...bob.told]).toEqual(texts);
  expect(alice.told).toEqual(texts);
  expect(alice.confirmed.toSorted()).toEqual(texts.toSorted());
  expect(alice.refused).toEqual([]);
  expect(alice.chat.pending).toEqual([]);
  expect(alice.states).toContain('reconnecting');
  expect(alice.states).not.toContain('ended');
  expect(performance.now() - begun).toBeGreaterThan(2 * TOKEN_SECONDS * 1_000);
  expect(await storedTexts(bob.chat, conversation)).toEqual(texts);
});

test('what was not answered before a reload is sent by the next client, once', async () => {
  const store = memoryStore();
  const before = newDevice(mesh(), store);
  await before.chat.register({ username: newUsername(), password: newPassword() });
  const group = { case: 'group' as const, value: { title: 'notes', memberIds: [] } };
  const opening = await before.chat.conversations.createConversation({ conversation: group });
  const conversation = opening.conversation?.conversationId ?? '';
  const messaging = mesh().stack.process('messaging');
  messaging.pause();
  const texts = ['first', 'second', 'third'];
  await say(before.chat, conversation, texts);
  await before.chat.close();
  messaging.resume();
  expect(before.confirmed).toEqual([]);

  const after = newDevice(mesh(), store);
  expect(await after.chat.resume()).toBe(true);
  await after.chat.start();
  await until('all are confirmed', () => after.confirmed.length === texts.length, PATIENCE_MS);
  expect(await storedTexts(after.chat, conversation)).toEqual(texts);
});

/** Writes all, a few ahead of what the server has answered. */
async function say(chat: RealChat, conversation: string, texts: string[]): Promise<void> {
  for (const text of texts) {
    await until('there is room', () => chat.pending.length < 10, PATIENCE_MS);
    await chat.send(conversation, text);
  }
}

async function kill(name: 'gateway' | 'delivery'): Promise<void> {
  const managed = mesh().stack.process(name);
  await managed.kill('SIGKILL');
  await managed.waitReady();
}

async function storedTexts(chat: RealChat, conversationId: string): Promise<string[]> {
  const texts: string[] = [];
  for (let after = 0n, more = true; more; ) {
    const from = { case: 'afterSeq' as const, value: after };
    const page = await chat.messages.listMessages({ conversationId, from, pageSize: 200 });
    texts.push(...page.messages.map(({ content }) => content.value ?? ''));
    [after, more] = [page.throughSeq, page.hasMore];
  }
  return texts;
}
