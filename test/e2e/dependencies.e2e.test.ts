import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatMessage } from './clients/chat-message.ts';
import { createWebSocketCaller, type SocketLife } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';
import { reaches } from './support/reaches.ts';
import { countDeadLetters, readTopic } from './support/topic.ts';

const KAFKA_DOWN_MS = 20_000;
/** How often the sender sends while something is down. */
const PACE_MS = 100;
/** In what time a committed message has to be on every stream without Kafka. */
const SEEN_WITHIN_MS = 5_000;

const mesh = useMesh();
const life: SocketLife = { closed: [] };
let sender: User;
let receiver: User;
let streams: Subscription[];
let store: MessageStore;
let conversations: string[];
const acked: ChatMessage[] = [];

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl } = mesh();
  store = await openMessageStore(mesh());
  sender = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  receiver = new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token, life }));
  await Promise.all([sender, receiver].map((user) => user.register(newUsername(), newPassword())));
  const make = (title: string) => sender.createConversation({ title, members: [receiver.userId] });
  // Over several shards.
  conversations = await Promise.all(['one', 'two', 'three', 'four'].map(make));
  streams = await Promise.all([sender, receiver].map((user) => user.subscribe()));
});

afterAll(async () => {
  await Promise.all([sender?.close(), receiver?.close(), store?.close()]);
});

/** Sends at an even pace, through all conversations in turn, until the condition holds; every message is acked in time. */
async function sendUntil(isOver: () => boolean): Promise<{ ackMs: number[]; seenMs: number[] }> {
  const ackMs: number[] = [];
  const seenMs: number[] = [];
  while (!isOver()) {
    const begin = performance.now();
    const message = await sender.send(
      conversations[acked.length % conversations.length] ?? '',
      `message ${acked.length}`,
    );
    acked.push(message);
    ackMs.push(performance.now() - begin);
    await until(
      `message ${acked.length} is pushed`,
      () => streams.every((stream) => shows(stream, message)),
      SEEN_WITHIN_MS,
    );
    seenMs.push(performance.now() - begin);
    await delay(PACE_MS - (performance.now() - begin));
  }
  return { ackMs, seenMs };
}

function shows(stream: Subscription, { messageId }: ChatMessage): boolean {
  return stream.messages.some((message) => message.messageId === messageId);
}

test('Kafka killed for 20 s: sends are acked, ReadLog brings them, and the topic is whole afterwards', async () => {
  await sendUntil(() => acked.length >= 20);
  await store.whenPublished();
  const fromDatabase = () => readMetric(mesh(), 'delivery', 'realchat_delivery_events_total', { source: 'database' });
  const before = { acked: acked.length, fromDatabase: await fromDatabase(), ...(await store.progress()) };

  await mesh().stack.process('kafka').kill('SIGKILL', { restart: false });
  const killedAt = performance.now();
  await expect(reaches(mesh().stack.ports.kafkaAdmin)).rejects.toThrow(/ECONNREFUSED/);
  const { ackMs, seenMs } = await sendUntil(() => performance.now() - killedAt >= KAFKA_DOWN_MS);

  // It bit: the relay could publish nothing, and delivery had everything from the database.
  const during = await store.progress();
  const sent = acked.length - before.acked;
  expect(sent).toBeGreaterThan(20);
  expect(during.published).toBe(before.published);
  expect(during.head - during.published).toBe(sent);
  expect((await fromDatabase()) - before.fromDatabase).toBe(sent);
  expect(Math.max(...ackMs)).toBeLessThan(1_000);
  expect(median(seenMs)).toBeLessThan(1_000);

  await mesh().stack.process('kafka').start();
  await store.whenPublished(60_000);
  await sendUntil(() => acked.length >= before.acked + sent + 20);
  await store.whenPublished();
  await expectTopicIsLog();
});

test('Valkey killed: sends, live streams and new sessions go on', async () => {
  const [before, closed] = [acked.length, [...life.closed]];
  await mesh().stack.process('valkey').kill('SIGKILL', { restart: false });
  await expect(reaches(mesh().stack.ports.valkey)).rejects.toThrow(/ECONNREFUSED/);

  const { ackMs } = await sendUntil(() => acked.length >= before + 50);
  expect(Math.max(...ackMs)).toBeLessThan(1_000);
  const late = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await late.register(newUsername(), newPassword());
  await late.subscribe();
  await late.close();
  // The same sockets and streams as before.
  expect(life.closed).toEqual(closed);
  await mesh().stack.process('valkey').start();
  await sendUntil(() => acked.length >= before + 60);
});

test('the profile service killed: who has no profile yet makes conversations and sends, and has one when it is back', async () => {
  const profile = mesh().stack.process('profile');
  await profile.kill('SIGKILL', { restart: false });
  const late = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await late.register(newUsername(), newPassword());
  const conversation = await late.createConversation({ title: 'without profiles', members: [receiver.userId] });
  const message = await late.send(conversation, 'hello');
  await until('it is pushed', () => shows(streams[1] as Subscription, message), SEEN_WITHIN_MS);
  await expect(late.findUser(late.username)).rejects.toMatchObject({ code: 'UNAVAILABLE' });

  await profile.start();
  await until('the profile is there', () => late.findUser(late.username).catch(() => undefined), 20_000);
  await late.close();
});

test('in the end every stream has every acked message once, in order, and nothing was dead-lettered', async () => {
  for (const stream of streams) {
    for (const conversation of conversations) {
      const own = (message: ChatMessage) => message.conversationId === conversation;
      expect(distinct(stream.messages.filter(own))).toEqual(acked.filter(own));
    }
    expect(stream.frames.filter(({ frame }) => frame.case === 'reset')).toEqual([]);
  }
  for (const count of Object.values(await countDeadLetters(mesh()))) expect(count).toBe(0);
  await expectTopicIsLog();
});

/** The topic has what the log has, each for the first time in order of its position. */
async function expectTopicIsLog(): Promise<void> {
  const place = ({ shard, position, conversation, seq }: Awaited<ReturnType<typeof readTopic>>[number]) =>
    `${shard}/${position} ${conversation}/${seq}`;
  const log = (await store.events()).map(
    (event) => `${event.shard}/${event.position} ${event.conversation}/${event.seq}`,
  );
  expect([...new Set((await readTopic(mesh())).map(place))]).toEqual(log);
}

/** Without the repeats that at-least-once allows. */
function distinct(messages: ChatMessage[]): ChatMessage[] {
  return messages.filter((message, i) => messages.findIndex((each) => each.messageId === message.messageId) === i);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
