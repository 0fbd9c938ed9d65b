import { createClient } from '@realchat/db';
import {
  DeliveryService,
  PresenceState,
  type Transient,
  type WatchPresenceResponse,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';

// Who is there, who is typing and what has arrived, over gRPC and over a WebSocket, through Envoy.

const { acknowledgeCursor, getPresence, setTyping, watchPresence } = DeliveryService.method;
const mesh = useMesh();
let writer: User;
let reader: User;
let stranger: User;
let streams: { writer: Subscription; reader: Subscription; stranger: Subscription };
let conversationId: string;

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl } = mesh();
  writer = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  reader = new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token }));
  stranger = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  await Promise.all([writer, reader, stranger].map((user) => user.register(newUsername(), newPassword())));
  conversationId = await writer.createConversation({ direct: reader.userId });
  streams = {
    writer: await writer.subscribe(),
    reader: await reader.subscribe(),
    stranger: await stranger.subscribe(),
  };
});

afterAll(() => Promise.all([writer, reader, stranger].map((user) => user?.close())));

function transientsOf(stream: Subscription): Transient[] {
  return stream.frames.flatMap(({ frame }) => (frame.case === 'transient' ? [frame.value] : []));
}

test('typing is seen by the other one, over each transport, and by no stranger', async () => {
  const pairs = [
    [writer, streams.reader],
    [reader, streams.writer],
  ] as const;
  for (const [typist, seenBy] of pairs) {
    for (const active of [true, false]) {
      await typist.caller.unary(setTyping, { conversationId, active }, { token: typist.accessToken });
      await until('it is seen', () =>
        transientsOf(seenBy).some(
          ({ actorId, kind }) => actorId === typist.userId && kind.case === 'typing' && kind.value.active === active,
        ),
      );
    }
  }
  expect(transientsOf(streams.stranger)).toEqual([]);
});

test('what has arrived is seen by the sender', async () => {
  const { number } = await writer.send(conversationId, 'has it come?');
  const request = { conversationId, number: BigInt(number) };
  await reader.caller.unary(MessageService.method.markDelivered, request, { token: reader.accessToken });
  await until('the sender sees it', () =>
    transientsOf(streams.writer).some(
      ({ actorId, kind }) =>
        actorId === reader.userId && kind.case === 'deliveredAdvanced' && kind.value.number === BigInt(number),
    ),
  );
  expect(transientsOf(streams.stranger)).toEqual([]);
});

test('what a device has received is acknowledged, over each transport', async () => {
  for (const user of [writer, reader]) {
    const { cursor } = user === writer ? streams.writer : streams.reader;
    await user.caller.unary(acknowledgeCursor, { cursor }, { token: user.accessToken });
  }
  const db = createClient({ url: mesh().stack.environment('delivery').DATABASE_URL ?? '', name: 'e2e' });
  await db.connect();
  try {
    await until('both are kept', async () => {
      const ids = [writer.userId, reader.userId];
      const kept = await db.query('select 1 from device where user_id = any($1) and positions is not null', [ids]);
      return kept.rowCount === 2;
    });
  } finally {
    await db.end();
  }
});

test('who is there is seen by the other one, over each transport, and by no stranger', async () => {
  const userIds = [writer.userId, reader.userId];
  const stopping = new AbortController();
  const told = new Map<User, WatchPresenceResponse[]>();
  for (const watcher of [writer, reader, stranger]) {
    const frames: WatchPresenceResponse[] = [];
    told.set(watcher, frames);
    const options = { token: watcher.accessToken, signal: stopping.signal };
    const collect = async () => {
      for await (const frame of watcher.caller.stream(watchPresence, { userIds }, options)) frames.push(frame);
    };
    collect().catch(() => {});
  }
  const statesOf = (watcher: User, userId: string) =>
    (told.get(watcher) ?? []).flatMap(({ frame }) =>
      frame.case === 'presence' && frame.value.userId === userId ? [frame.value.state] : [],
    );
  await until('each sees the other', () =>
    [statesOf(writer, reader.userId), statesOf(reader, writer.userId)].every(
      (states) => states.at(-1) === PresenceState.ONLINE,
    ),
  );
  await streams.reader.stop();
  await until('the reader has gone', () => statesOf(writer, reader.userId).at(-1) === PresenceState.OFFLINE, 20_000);
  const { presences } = await writer.caller.unary(getPresence, { userIds }, { token: writer.accessToken });
  const states = Object.fromEntries(presences.map(({ userId, state }) => [userId, state]));
  expect(states).toEqual({ [writer.userId]: PresenceState.ONLINE, [reader.userId]: PresenceState.OFFLINE });
  const toStranger = await stranger.caller.unary(getPresence, { userIds }, { token: stranger.accessToken });
  expect(toStranger.presences).toEqual([]);
  expect(told.get(stranger)).toEqual([]);
  stopping.abort();
});
