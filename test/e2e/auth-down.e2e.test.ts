import { setTimeout as delay } from 'node:timers/promises';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { inEvery } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';
import { reaches } from './support/reaches.ts';

const MAX_AGE_SECONDS = 1;
const THREE_AGES_MS = 3 * MAX_AGE_SECONDS * 1_000;
const JWKS_MAX_AGE_SECONDS = String(MAX_AGE_SECONDS);
const ASKED_EVERY_MS = 100;

const ages = { JWKS_MAX_AGE_SECONDS };
const mesh = useMesh(
  {
    env: { profile: ages, messaging: ages, delivery: ages, gateway: ages, operations: ages },
    keysMaxAgeSeconds: MAX_AGE_SECONDS,
  },
  inEvery(2),
);
let byGrpc: User;
let bySocket: User;
let conversationId: string;

beforeAll(async () => {
  const { tlsAddress, certificateAuthority, webSocketUrl: url } = mesh();
  byGrpc = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  bySocket = new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
  await Promise.all([byGrpc, bySocket].map((user) => user.register(newUsername(), newPassword())));
  conversationId = await byGrpc.createConversation({ title: 'without auth', members: [bySocket.userId] });
});

afterAll(() => Promise.all([byGrpc?.close(), bySocket?.close()]));

test('every auth killed: good tokens pass for three ages of the keys, and after messaging and Envoy have started anew; others do not', async () => {
  const { stack } = mesh();
  const stream = await bySocket.subscribe();
  for (const name of stack.namesOf('auth')) await stack.process(name).kill('SIGKILL', { restart: false });
  await expect(reaches(stack.ports.authJwks)).rejects.toThrow(/ECONNREFUSED/);

  const end = performance.now() + THREE_AGES_MS + 500;
  let sent = 0;
  for (; performance.now() < end; await delay(ASKED_EVERY_MS)) {
    const { messageId } = await byGrpc.send(conversationId, `message ${++sent}`);
    await until('it is shown', () => stream.messages.some((message) => message.messageId === messageId));
    expect(await refusalOf(forged(byGrpc.accessToken))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_INVALID',
    });
  }
  expect(sent).toBeGreaterThan(5);

  for (const name of stack.namesOf('messaging')) await stack.process(name).restart();
  await stack.process('envoy').restart();
  await until('a good token passes again', () => passes(byGrpc), 30_000);
  await until('and on a new socket', () => passesOnNewSocket(), 30_000);
  expect(await refusalOf(forged(byGrpc.accessToken))).toMatchObject({ code: 'UNAUTHENTICATED' });
  await byGrpc.send(conversationId, 'after it all');
});

/** A token whose signature is another one's. */
function forged(token: string): string {
  const [head, payload, signature = ''] = token.split('.');
  return [head, payload, Buffer.from(signature, 'base64url').reverse().toString('base64url')].join('.');
}

const list = (user: User, token: string) =>
  user.caller.unary(ConversationService.method.listConversations, {}, { token });

function refusalOf(token: string): Promise<unknown> {
  return list(byGrpc, token).then(
    () => undefined,
    (failure: unknown) => failure,
  );
}

function passes(user: User): Promise<boolean> {
  return list(user, user.accessToken).then(
    () => true,
    () => false,
  );
}

async function passesOnNewSocket(): Promise<boolean> {
  const { webSocketUrl: url, certificateAuthority } = mesh();
  const late = new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
  late.join(bySocket);
  const isLetIn = await passes(late);
  await late.close();
  return isLetIn;
}
