import { startProxyFor, until } from '@realchat/testkit';
import { afterAll, expect, test } from 'vitest';
import { newPassword, newUsername } from './clients/user.ts';
import { type ChatDevice, closeDevices, newDevice } from './support/chat-device.ts';
import { useMesh } from './support/mesh.ts';

const PATIENCE_MS = 30_000;

const mesh = useMesh({ env: { delivery: { MAX_REPLAY_EVENTS: '5' } } });
afterAll(closeDevices);

test('ADR 19: who misses more than is replayed is told all that was said while they were a member, and nothing else', async () => {
  const { proxy, address } = await startProxyFor(mesh().tls);
  const alice = newDevice(mesh());
  const bob = newDevice(mesh(), undefined, address);
  for (const { chat } of [alice, bob]) await chat.register({ username: newUsername(), password: newPassword() });
  const userIds = [bob.chat.userId];
  const { conversations, messages } = alice.chat;
  const makeGroup = async (title: string) => {
    const group = { case: 'group' as const, value: { title, memberIds: userIds } };
    return (await conversations.createConversation({ conversation: group })).conversation?.conversationId ?? '';
  };
  const say = (conversationId: string, value: string) =>
    messages.sendMessage({
      conversationId,
      clientMessageId: value.replaceAll(' ', '-'),
      content: { case: 'text', value },
    });
  const putOut = (conversationId: string) => conversations.removeMember({ conversationId, userId: bob.chat.userId });
  const letIn = (conversationId: string) => conversations.addMembers({ conversationId, userIds });

  const long = await makeGroup('left long ago');
  await say(long, 'before this client');
  await putOut(long);
  const known = await makeGroup('told of');
  await bob.chat.start();
  await until('bob is live', () => isLive(bob), PATIENCE_MS);
  await say(known, 'live');
  await until('bob is told', () => bob.told.length === 1, PATIENCE_MS);

  proxy.cut();
  for (const text of ['missed', 'missed too']) await say(known, text);
  await putOut(known);
  await say(known, 'after the leave');
  const brief = await makeGroup('in and out');
  await say(brief, 'a brief stint');
  await putOut(brief);
  const again = await makeGroup('in, out and in again');
  await say(again, 'the first stint');
  await putOut(again);
  await say(again, 'between two stints');
  await letIn(again);
  await say(again, 'the second stint');
  await letIn(long);
  await say(long, 'back after long');
  proxy.restore();

  const missed = ['missed', 'missed too', 'a brief stint', 'the first stint', 'the second stint', 'back after long'];
  const all = () => bob.told.length >= 1 + missed.length;
  await until('bob is told what he missed', all, PATIENCE_MS).catch(() => {
    // The comparison tells better what is missing.
  });
  await say(again, 'live again');
  await until('bob is told', () => bob.told.at(-1) === 'live again', PATIENCE_MS);
  expect(bob.resets).toBe(1);
  expect(bob.told.toSorted()).toEqual(['live', ...missed, 'live again'].toSorted());
  const stints = bob.told.filter((text) => text.endsWith('stint') && text !== 'a brief stint');
  expect(stints).toEqual(['the first stint', 'the second stint']);
  await proxy.stop();
});

function isLive({ chat }: ChatDevice): boolean {
  return chat.status.state === 'live';
}
