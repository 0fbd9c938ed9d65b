import { until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { type Gate, startGate } from './support/gate.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';
import { readTopic } from './support/topic.ts';

const MESSAGES = 20;

let kafka: Gate;
let readLog: Gate;
const mesh = useMesh(async (ports) => {
  kafka = await startGate(ports.kafkaDelivery);
  readLog = await startGate(ports.messagingInternal);
  return {
    kafka: { advertised: { DELIVERY: kafka.address } },
    env: { delivery: { MESSAGING_INTERNAL: readLog.address } },
  };
});

let sender: User;
let receivers: User[];
let streams: Subscription[];
let store: MessageStore;
let conversationId: string;
let sent = 0;

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl } = mesh();
  store = await openMessageStore(mesh());
  const grpc = () => new User(createGrpcCaller(tlsAddress, certificateAuthority));
  const socket = () => new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token }));
  sender = grpc();
  receivers = [grpc(), socket()];
  await Promise.all([sender, ...receivers].map((user) => user.register(newUsername(), newPassword())));
  conversationId = await sender.createConversation({ title: 'held', members: receivers.map((each) => each.userId) });
  streams = await Promise.all([sender, ...receivers].map((user) => user.subscribe()));
});

afterAll(async () => {
  await Promise.all([sender, ...(receivers ?? [])].map((user) => user?.close()));
  await store?.close();
  await Promise.all([kafka?.stop(), readLog?.stop()]);
});

const pushed = () => streams.map((stream) => stream.messages.length);

/** Sends some messages; each is acked. */
async function sendSome(): Promise<void> {
  for (let i = 0; i < MESSAGES; i++) await sender.send(conversationId, `message ${++sent}`);
}

const applied = (source: 'kafka' | 'database') =>
  readMetric(mesh(), 'delivery', 'realchat_delivery_events_total', { source });

const hearsKafka = async () =>
  (await readMetric(mesh(), 'delivery', 'eventlog_reader_connected', { reader: 'delivery' })) === 1;

/** A gate may close while a request is on its way or while its answer is. */
const heldBy = (gate: Gate) => gate.held().toServer + gate.held().toClient;

const whenPushed = () => until('everything is pushed', () => pushed().every((count) => count === sent), 20_000);

describe('what is pushed comes from Kafka or from ReadLog, and from nowhere else', () => {
  test('with both ways open, it comes from Kafka', async () => {
    const before = await applied('kafka');
    await sendSome();
    await whenPushed();
    expect(await applied('kafka')).toBeGreaterThan(before);
  });

  test('with the way to ReadLog held, it comes from Kafka', async () => {
    const before = await applied('kafka');
    readLog.close();
    await sendSome();
    await whenPushed();
    expect((await applied('kafka')) - before).toBe(MESSAGES);
    await until('calls to messaging were held', () => heldBy(readLog) > 0);
    readLog.open();
  });

  test('with the way from Kafka held, it comes from ReadLog', async () => {
    const before = await applied('database');
    kafka.close();
    await sendSome();
    await whenPushed();
    expect((await applied('database')) - before).toBe(MESSAGES);
    expect(heldBy(kafka)).toBeGreaterThan(0);
    kafka.open();
    await until('delivery hears Kafka again', hearsKafka, 20_000);
  });

  test('with both held, nothing comes although everything is acked; open again, all of it comes', async () => {
    const before = pushed();
    const heartbeats = streams.map((stream) => stream.heartbeats);
    readLog.close();
    kafka.close();
    await sendSome();

    // Both ways had all of it to give.
    expect(await store.countMessages()).toBe(sent);
    await store.whenPublished();
    const messages = (await readTopic(mesh())).filter((record) => record.messageId);
    expect(new Set(messages.map((record) => record.messageId)).size).toBe(sent);
    // The gates bit.
    await until('Kafka or what asks it was held', () => heldBy(kafka) > 0);
    await until('calls to messaging were held', () => heldBy(readLog) > 0);
    // The streams themselves live, and have nothing to say.
    const alive = () => streams.every((stream, i) => stream.heartbeats > (heartbeats[i] ?? 0));
    await until('every stream has had a heartbeat', alive, 40_000);
    expect(pushed()).toEqual(before);

    kafka.open();
    readLog.open();
    await whenPushed();
  });

  test('in the end every stream has everything once, in order', () => {
    const texts = Array.from({ length: sent }, (_, i) => `message ${i + 1}`);
    for (const stream of streams) expect(stream.messages.map((message) => message.text)).toEqual(texts);
  });
});
