import { setTimeout as delay } from 'node:timers/promises';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { createConnectJsonCaller, createGrpcWebCaller, createWebSocketCaller } from '../clients/connect-caller.ts';
import { createGrpcCaller } from '../clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../clients/user.ts';
import type { Mesh } from '../support/mesh.ts';

/** Asks every service over every transport, each over a connection or socket of its own. */
export interface Probe {
  /** One call of each at the same time. Answers which were not answered well in time. */
  round(): Promise<string[]>;
  close(): Promise<void>;
}

/** Longer, and a person would take it for broken. */
const IN_TIME_MS = 2_500;

export async function createProbe(mesh: Mesh): Promise<Probe> {
  const { tls, tlsAddress, webSocketUrl, certificateAuthority } = mesh;
  const password = newPassword();
  const grpc = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  const lasting = [grpc, new User(createGrpcWebCaller(tls)), new User(createConnectJsonCaller(tls))];
  await grpc.register(newUsername(), password);
  for (const user of lasting) user.join(grpc);
  const bySocket = () => {
    const user = new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token }));
    user.join(grpc);
    return user;
  };
  return {
    async round() {
      // A socket stays with the gateway that it was opened at, so each round has a new one.
      const socket = bySocket();
      const unary = [...lasting, socket].flatMap((user) => unaryCallsOf(user, password));
      const streams = [grpc, socket].map(
        (user): Asked => ({ what: `Subscribe over ${user.name}`, ask: listenTo(user) }),
      );
      const late = await Promise.all([...unary, ...streams].map(notInTime));
      void socket.close();
      return late.flat();
    },
    async close() {
      await Promise.all(lasting.map((user) => user.close()));
    },
  };
}

interface Asked {
  what: string;
  ask: () => Promise<unknown>;
}

function unaryCallsOf({ caller, username, accessToken: token }: User, password: string): Asked[] {
  const key = { case: 'username' as const, value: username };
  const asks: [string, () => Promise<unknown>][] = [
    ['Login', () => caller.unary(AuthService.method.login, { username, password })],
    ['GetProfile', () => caller.unary(ProfileService.method.getProfile, { key }, { token })],
    ['ListConversations', () => caller.unary(ConversationService.method.listConversations, {}, { token })],
  ];
  return asks.map(([method, ask]) => ({ what: `${method} over ${caller.name}`, ask }));
}

function listenTo(user: User): () => Promise<void> {
  return async () => {
    const stream = await user.subscribe();
    void stream.stop();
  };
}

async function notInTime({ what, ask }: Asked): Promise<string[]> {
  const late = delay(IN_TIME_MS, 'late', { ref: false });
  const answer = ask().then(
    () => 'well',
    () => 'failed',
  );
  return (await Promise.race([answer, late])) === 'well' ? [] : [what];
}
