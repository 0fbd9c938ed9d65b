import { setTimeout as delay } from 'node:timers/promises';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { until } from '@realchat/testkit';
import { CallFailure } from '../clients/caller.ts';
import { createConnectJsonCaller, createGrpcWebCaller, createWebSocketCaller } from '../clients/connect-caller.ts';
import { createGrpcCaller } from '../clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../clients/user.ts';
import type { Mesh } from '../support/mesh.ts';

/** A unary call by the rule for every client: when it fails in a way that may pass, it is made once more. */
export interface Call {
  transport: string;
  method: string;
  from: number;
  to: number;
  /** Why a try failed: none, one, or two. */
  failures: string[];
  /** Whether a try was answered well. */
  succeeded: boolean;
}

/** Users who call every service over every transport, all the time. */
export interface Callers {
  readonly calls: readonly Call[];
  stop(): Promise<void>;
}

const EVERY_MS = 250;
/** Nobody asked to come back later: this long a client waits anyhow. */
const AGAIN_MS = 100;

export async function startCallers(mesh: Mesh): Promise<Callers> {
  const { tls, tlsAddress, webSocketUrl, certificateAuthority } = mesh;
  const users = [
    new User(createGrpcCaller(tlsAddress, certificateAuthority)),
    new User(createGrpcWebCaller(tls)),
    new User(createConnectJsonCaller(tls)),
    new User((token) => createWebSocketCaller({ url: webSocketUrl, certificateAuthority, token })),
  ];
  const calls: Call[] = [];
  const stopping = new AbortController();
  const running = users.map(async (user) => {
    const password = newPassword();
    await user.register(newUsername(), password);
    await until('the profile is there', () => user.findUser(user.username));
    const work = workOf(user, password);
    return async () => {
      for (let turn = 0; !stopping.signal.aborted; turn++) {
        const [method, make] = work[turn % work.length] as Work;
        calls.push(await callWithOneRetry(user.name, method, make));
        await delay(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
      }
    };
  });
  const loops = (await Promise.all(running)).map((loop) => loop());
  return {
    calls,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      await Promise.all(users.map((user) => user.close()));
    },
  };
}

type Work = [method: string, make: () => Promise<unknown>];

/** One call of each service; a login is one that no client may take for repeatable. */
function workOf({ caller, username, accessToken: token }: User, password: string): Work[] {
  const key = { case: 'username' as const, value: username };
  return [
    ['GetProfile', () => caller.unary(ProfileService.method.getProfile, { key }, { token })],
    ['ListConversations', () => caller.unary(ConversationService.method.listConversations, {}, { token })],
    ['GetProfile', () => caller.unary(ProfileService.method.getProfile, { key }, { token })],
    ['Login', () => caller.unary(AuthService.method.login, { username, password })],
  ];
}

async function callWithOneRetry(transport: string, method: string, make: () => Promise<unknown>): Promise<Call> {
  const call: Call = { transport, method, from: performance.now(), to: 0, failures: [], succeeded: false };
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      await make();
      call.succeeded = true;
      break;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      call.failures.push(error.message);
      if (!error.worthRepeating) break;
      if (attempt === 1) await delay(error.retryAfterMs ?? AGAIN_MS);
    }
  }
  call.to = performance.now();
  return call;
}
