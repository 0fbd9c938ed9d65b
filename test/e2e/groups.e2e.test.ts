import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { useMesh } from './support/mesh.ts';
import { countDeadLetters } from './support/topic.ts';

// Who comes, goes and reads, seen live by the others: through Kafka, over gRPC and over a WebSocket.

const { addMembers, removeMember } = ConversationService.method;
const mesh = useMesh();
let owner: User;
let reader: User;
let guest: User;
let streams: { owner: Subscription; reader: Subscription; guest: Subscription };
let conversationId: string;

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl } = mesh();
  const grpc = () => new User(createGrpcCaller(tlsAddress, certificateAuthority));
  owner = grpc();
  reader = new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token }));
  guest = grpc();
  await Promise.all([owner, reader, guest].map((user) => user.register(newUsername(), newPassword())));
  conversationId = await owner.createConversation({ title: 'A group', members: [reader.userId] });
  await owner.send(conversationId, 'before the guest');
  streams = { owner: await owner.subscribe(), reader: await reader.subscribe(), guest: await guest.subscribe() };
});

afterAll(() => Promise.all([owner, reader, guest].map((user) => user?.close())));

function eventsOf(stream: Subscription): ConversationEvent[] {
  return stream.frames.flatMap(({ frame }) => (frame.case === 'event' ? [frame.value] : []));
}

function kindsOf(stream: Subscription): (string | undefined)[] {
  return eventsOf(stream)
    .filter((event) => event.conversationId === conversationId)
    .map(({ change }) => change.case);
}

function markRead(user: User, number: number) {
  const request = { conversationId, number: BigInt(number) };
  return user.caller.unary(MessageService.method.markRead, request, { token: user.accessToken });
}

/** How far the stream says that a user has read. */
function readBy(stream: Subscription, user: User): number {
  const numbers = eventsOf(stream).flatMap(({ seq, change }) =>
    change.case === 'readAdvanced' && change.value.userId === user.userId && seq === 0n
      ? [Number(change.value.number)]
      : [],
  );
  return Math.max(0, ...numbers);
}

test('who is added sees the adding and what follows, live', async () => {
  const request = { conversationId, userIds: [guest.userId] };
  await owner.caller.unary(addMembers, request, { token: owner.accessToken });
  await owner.send(conversationId, 'welcome');
  const all = Object.values(streams);
  await until('everybody sees both', () => all.every((stream) => kindsOf(stream).length === 2));
  for (const stream of all) expect(kindsOf(stream)).toEqual(['membersAdded', 'messageSent']);
});

test('how far one has read is seen by the others, and comes from Kafka', async () => {
  const applied = () => readMetric(mesh(), 'delivery', 'realchat_delivery_events_total', { source: 'kafka' });
  const before = await applied();
  for (const number of [1, 2]) {
    await markRead(reader, number);
    await until('all know', () => Object.values(streams).every((stream) => readBy(stream, reader) === number));
  }
  expect((await applied()) - before).toBe(2);
});

test('who resumes is told of each reader’s newest position alone', async () => {
  // From now on what is published goes when it is superseded.
  await owner.send(conversationId, 'a third');
  await markRead(reader, 3);
  await until('all know', () => readBy(streams.owner, reader) === 3);
  const cursor = streams.guest.frames.flatMap(({ frame }) =>
    frame.case === 'caughtUp' ? [frame.value.cursor] : [],
  )[0];
  const resumed = await guest.subscribe(cursor);
  const reads = eventsOf(resumed).filter(({ change }) => change.case === 'readAdvanced');
  expect(reads.map(({ change }) => (change.case === 'readAdvanced' ? change.value.number : 0n))).toEqual([3n]);
  await resumed.stop();
});

test('who is removed sees the removal as the last thing', async () => {
  const request = { conversationId, userId: guest.userId };
  await owner.caller.unary(removeMember, request, { token: owner.accessToken });
  const last = await owner.send(conversationId, 'without the guest');
  await markRead(reader, 4);
  await until('the others see it', () => readBy(streams.owner, reader) === 4);
  // A message on the way of all others, behind everything above.
  const fence = await owner.createConversation({ direct: guest.userId });
  await owner.send(fence, 'you are out');
  await until('the guest hears of something later', () =>
    streams.guest.messages.some((message) => message.text === 'you are out'),
  );
  expect(kindsOf(streams.guest).at(-1)).toBe('memberRemoved');
  expect(streams.guest.messages.some(({ messageId }) => messageId === last.messageId)).toBe(false);
  expect(Object.values(await countDeadLetters(mesh()))).toEqual([0, 0]);
});
