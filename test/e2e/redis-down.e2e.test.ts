import { setTimeout as delay } from 'node:timers/promises';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type InstanceName, inEvery } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebSocketCaller, type SocketLife } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { type EvenLoad, startEvenLoad } from './support/even-load.ts';
import { useMesh } from './support/mesh.ts';
import { reaches } from './support/reaches.ts';

/** Each on a socket of its own, as many as it takes that both gateways and both delivery nodes have some. */
const LISTENERS = 8;
const SENDERS = 4;
const PER_SECOND = 40;
const WINDOW_MS = 12_000;
/** The kill comes when messages are on their way. */
const KILLED_AFTER_MS = 1_000;
const SEEN_WITHIN_MS = 3_000;
const SLOWER_AT_MOST_MS = 100;

const mesh = useMesh({}, inEvery(2));
const life: SocketLife = { closed: [] };
const password = newPassword();
let senders: User[];
let listeners: User[];
let load: EvenLoad;

const bySocket = () => {
  const { webSocketUrl: url, certificateAuthority } = mesh();
  return new User((token) => createWebSocketCaller({ url, certificateAuthority, token, life }));
};
const byGrpc = () => new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));

beforeAll(async () => {
  senders = Array.from({ length: SENDERS }, byGrpc);
  listeners = Array.from({ length: LISTENERS }, bySocket);
  await Promise.all([...senders, ...listeners].map((user) => user.register(newUsername(), password)));
  const all = [...senders, ...listeners].map(({ userId }) => userId);
  load = await startEvenLoad({ senders, listeners, perSecond: PER_SECOND, members: all });
});

afterAll(async () => {
  await load?.stop();
  await Promise.all([...(senders ?? []), ...(listeners ?? [])].map((user) => user.close()));
});

test('with Redis killed, live sockets on both nodes go on at the same pace, sessions open and go on, limits hold', async () => {
  const holding = (names: InstanceName[], gauge: string) =>
    Promise.all(names.map((name) => readMetric(mesh(), name, gauge)));
  const sockets = await holding(['gateway', 'gateway-2'], 'realchat_gateway_sockets');
  const streams = await holding(['delivery', 'delivery-2'], 'realchat_delivery_sessions');
  expect(Math.min(...sockets, ...streams)).toBeGreaterThan(0);

  const before = await load.window(WINDOW_MS);
  const window = load.window(WINDOW_MS);
  await delay(KILLED_AFTER_MS);
  await mesh().stack.process('valkey').kill('SIGKILL', { restart: false });
  await expect(reaches(mesh().stack.ports.valkey)).rejects.toThrow(/ECONNREFUSED/);
  const fallbacks = () => holding(['gateway', 'gateway-2'], 'realchat_rate_limit_fallback');
  await until('both gateways count by themselves', async () => (await fallbacks()).every((value) => value === 1));

  const during = await window;
  const figures = `ack p99 ${before.ackMs.toFixed(1)} ms before, ${during.ackMs.toFixed(1)} ms over its kill; shown after ${during.shownMs.toFixed(0)} ms at most`;
  process.stdout.write(`Redis killed: ${figures}; sockets ${sockets.join('+')}, streams ${streams.join('+')}\n`);
  expect(during.ackMs - before.ackMs).toBeLessThanOrEqual(SLOWER_AT_MOST_MS);
  expect(during.shownMs).toBeLessThanOrEqual(SEEN_WITHIN_MS);
  expect(life.closed).toEqual([]);

  await sessionsOpenAndGoOn();
  await guessesAreStillLimited();

  await mesh().stack.process('valkey').start();
  await until('Redis counts again', async () => (await fallbacks()).every((value) => value === 0), 20_000);
  const [one, other] = listeners as [User, User];
  await until('presence is told again', async () => (await stateOf(one, other)) === 'online', 20_000);
  expect((await load.window(WINDOW_MS)).shownMs).toBeLessThanOrEqual(SEEN_WITHIN_MS);
  expect(life.closed).toEqual([]);
}, 180_000);

async function sessionsOpenAndGoOn(): Promise<void> {
  const late = bySocket();
  const [sender] = senders as [User];
  await late.login(sender.username, password);
  await late.refresh();
  const stream = await late.subscribe();
  const message = await late.send(load.conversationId, 'from a session of now');
  await until('it is shown there', () => stream.messages.some(({ messageId }) => messageId === message.messageId));
  await late.close();
  // Its socket was closed by itself.
  life.closed.splice(0);
}

/** Stricter than with Redis, and never without a limit. */
async function guessesAreStillLimited(): Promise<void> {
  const guesser = byGrpc();
  const { username } = senders[1] as User;
  const guess = () => guesser.login(username, newPassword()).then(String, (error: { reason?: string }) => error.reason);
  const answers: unknown[] = [];
  while (answers.length < 60 && answers.at(-1) !== 'RATE_LIMITED') answers.push(await guess());
  expect(new Set(answers.slice(0, -1))).toEqual(new Set(['BAD_CREDENTIALS']));
  expect(answers.at(-1)).toBe('RATE_LIMITED');
  await guesser.close();
}

async function stateOf(viewer: User, user: User): Promise<string> {
  const asked = viewer.call(DeliveryService.method.getPresence, { userIds: [user.userId] });
  const { presences } = await asked.catch(() => ({ presences: [] }));
  return presences[0]?.state === 1 ? 'online' : 'not known';
}
