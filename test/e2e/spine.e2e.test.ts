import { until } from '@realchat/testkit';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrowserClient, startBrowser } from './clients/browser-client.ts';
import type { ChatMessage } from './clients/chat-message.ts';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createCurlCaller } from './clients/curl-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { createPythonCaller } from './clients/python-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readEnvoyStats, readMetric } from './support/counters.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';
import { readTopic } from './support/topic.ts';

const ROUNDS = 10;
const PROFILE_WITHIN_MS = 2_000;
const SEND = '/realchat.messaging.v1.MessageService/SendMessage';

const mesh = useMesh();
let store: MessageStore;
let browser: Browser;
let chromium: BrowserClient;
let socket: User;
let curl: User;
let grpc: User;
let python: User;
let streams: Subscription[];

beforeAll(async () => {
  const { tls, tlsAddress, webSocketUrl, certificateAuthority, certificateAuthorityFile } = mesh();
  store = await openMessageStore(mesh());
  browser = await startBrowser();
  chromium = await BrowserClient.open(browser, tls);
  socket = new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token }));
  curl = new User(createCurlCaller(tls, certificateAuthorityFile));
  grpc = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  python = new User(await createPythonCaller(tlsAddress, certificateAuthorityFile));
  await Promise.all([chromium, socket, curl, grpc, python].map((user) => user.register(newUsername(), newPassword())));
  streams = await Promise.all([socket, grpc, python].map((user) => user.subscribe()));
});

afterAll(async () => {
  await Promise.all([chromium, socket, curl, grpc, python, store].map((each) => each?.close()));
  await browser?.close();
});

/** What a stream was pushed of a conversation, repeats included. */
function pushed(stream: Subscription | undefined, conversationId: string): string[] {
  const messages = stream?.messages.filter((message) => message.conversationId === conversationId) ?? [];
  return messages.map((message) => message.text);
}

const texts = (messages: { text: string }[]) => messages.map((message) => message.text);

let sent = 0;

test('a profile is there within 2 s of its registration', async () => {
  const late = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await late.register(newUsername(), newPassword());
  await until('the profile is there', () => grpc.findUser(late.username), PROFILE_WITHIN_MS);
  await late.close();
});

describe('a message walks through every real part', () => {
  test('from a browser over gRPC-Web to a WebSocket client, and back', async () => {
    const conversationId = await chromium.openDirect(socket.username);
    const expected: string[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      expected.push(`from the browser ${i}`, `from the socket ${i}`);
      const { seq } = await chromium.send(`from the browser ${i}`);
      expect(seq).toBe(2 + 2 * i);
      await socket.send(conversationId, `from the socket ${i}`);
      sent += 2;
    }
    await until('the socket has it all', () => pushed(streams[0], conversationId).length >= expected.length);
    expect(pushed(streams[0], conversationId)).toEqual(expected);
    await until('the page shows it all', async () => (await chromium.shown()).length >= expected.length);
    expect(texts(await chromium.shown())).toEqual(expected);
    // It was gRPC-Web, and nothing else.
    const sends = chromium.calls.filter((call) => call.path === SEND);
    expect(sends).toEqual(sends.map((call) => ({ ...call, contentType: 'application/grpc-web+proto' })));
    expect(sends.length).toBe(ROUNDS);
    expect(chromium.complaints).toEqual([]);
  });

  test('between two browser windows', async () => {
    const other = await BrowserClient.open(browser, mesh().tls);
    await other.register(newUsername(), newPassword());
    const conversationId = await other.openDirect(chromium.username);
    await other.send('from the other window');
    await chromium.show(conversationId);
    await chromium.send('from the first window');
    sent += 2;
    const both = ['from the other window', 'from the first window'];
    for (const window of [chromium, other]) {
      await until('the window shows both', async () => (await window.shown()).length >= 2);
      expect(texts(await window.shown())).toEqual(both);
    }
    await other.close();
  });

  test('from each kind of client to all of them: the same messages, once, in the same order', async () => {
    const users = [socket, curl, grpc, python];
    const everyone = [...users.map((user) => user.userId), await userIdOf(chromium.username)];
    const conversationId = await python.createConversation({ title: 'all kinds', members: everyone });
    await chromium.show(conversationId);
    const acked: Pick<ChatMessage, 'seq' | 'text'>[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      for (const user of users) acked.push(await user.send(conversationId, `${user.name} ${i}`));
      acked.push(await chromium.send(`${chromium.name} ${i}`));
    }
    sent += acked.length;
    const expected = texts(acked);
    expect(acked.map((message) => message.seq)).toEqual(acked.map((_, i) => i + 2));

    for (const user of users)
      expect([user.name, texts(await user.list(conversationId))]).toEqual([user.name, expected]);
    for (const stream of streams) {
      await until('the stream has it all', () => pushed(stream, conversationId).length >= expected.length);
      expect(pushed(stream, conversationId)).toEqual(expected);
    }
    await until('the page shows it all', async () => (await chromium.shown()).length >= expected.length);
    expect(texts(await chromium.shown())).toEqual(expected);
  });
});

describe('after the run every part has counted the same', () => {
  test('the clients and the message table', async () => {
    expect(await store.countMessages()).toBe(sent);
  });

  test('the edge: Envoy for gRPC and gRPC-Web, the gateway for JSON and WebSocket', async () => {
    const method = SEND.slice(1).replace('/', '.').replaceAll('.', '\\.');
    const direct = await readEnvoyStats(mesh(), new RegExp(`^cluster\\.messaging\\.grpc\\.${method}\\.success$`));
    const through = (via: string) =>
      readMetric(mesh(), 'gateway', 'realchat_gateway_call_duration_seconds_count', {
        rpc_method: SEND,
        via,
        rpc_status_code: 'OK',
      });
    expect({ direct, json: await through('connect'), socket: await through('websocket') }).toEqual({
      // The browser in all three tests, the other window, grpc-js and Python.
      direct: ROUNDS + 2 + 3 * ROUNDS,
      json: ROUNDS,
      socket: 2 * ROUNDS,
    });
    expect(direct + (await through('connect')) + (await through('websocket'))).toBe(sent);
  });

  test('the published positions, the topic read back, and delivery', async () => {
    await whenNobodySaysMore();
    const events = await store.events();
    const { head, published } = await store.progress();
    expect(published).toBe(head);

    const topic = await readTopic(mesh());
    const places = topic.map(({ shard, position, messageId }) => `${shard}/${position} ${messageId}`);
    const stored = new Set(events.map((e) => `${e.shard}/${e.position} ${e.message?.messageId}`));
    // Of read positions, which the pages told, the newest of each member alone is still in the table.
    expect(places.filter((place) => stored.has(place))).toEqual([...stored]);
    expect(topic.filter((record) => record.messageId).length).toBe(sent);
    expect(topic.length).toBeLessThanOrEqual(head);

    const applied = () => readMetric(mesh(), 'delivery', 'realchat_delivery_events_total');
    await until('delivery has applied it all', async () => (await applied()) >= topic.length);
    expect(await applied()).toBe(topic.length);
  });
});

/** What the pages have read is told up to a second later: waits until all is published and nothing more has come for longer. */
async function whenNobodySaysMore(): Promise<void> {
  let last = { head: -1, at: 0 };
  const isQuiet = async () => {
    const { head, published } = await store.progress();
    if (head !== last.head) last = { head, at: performance.now() };
    return published === head && performance.now() - last.at > 2_500;
  };
  await until('nobody says more', isQuiet, 30_000);
}

/** Profiles follow registrations by a moment. */
function userIdOf(username: string): Promise<string> {
  return until(`the profile of ${username}`, () => grpc.findUser(username));
}
