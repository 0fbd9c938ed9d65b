import { setTimeout as delay } from 'node:timers/promises';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { until } from '@realchat/testkit';
import { createGrpcCaller } from '../../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../../e2e/clients/user.ts';
import type { Journal } from '../history/journal.ts';
import { type Cast, type Edge, grpcAddress } from './cast.ts';
import { patiently } from './patiently.ts';
import { toSeen } from './said.ts';

const WATCHED_MS = 4_000;
const EVERY_MS = 200;

/** How a session ends. `elsewhere` is another session of the same user. */
type Ending = (user: User, elsewhere: User, password: string) => Promise<unknown>;

const ENDINGS: Record<string, Ending> = {
  'logs out': (user) => user.logout(),
  'is logged out from elsewhere': async (user, elsewhere) =>
    elsewhere.call(AuthService.method.revokeSession, { sessionId: await sessionOf(user) }),
  'whose password is changed elsewhere': (_user, elsewhere, password) =>
    elsewhere.call(AuthService.method.changePassword, { currentPassword: password, newPassword: newPassword() }),
};

/**
 * As many more members of the hot conversation as a session has ways to end lose theirs while messages flow, keep their streams,
 * and go on calling with their tokens. Others watch them go.
 */
export async function leaveForGood(edge: Edge, journal: Journal, cast: Cast): Promise<void> {
  const leaving = Object.entries(ENDINGS).map(([how, end]) => leave(edge, journal, cast, how, end));
  // Whoever fails, the others are not to write on when the run is over.
  await Promise.allSettled(leaving);
  await Promise.all(leaving);
}

async function leave(
  edge: Edge,
  journal: Journal,
  { conversations, membership, watches }: Cast,
  how: string,
  end: Ending,
): Promise<void> {
  const [user, elsewhere, password] = [newUser(edge), newUser(edge), newPassword()];
  await patiently(() => user.register(newUsername(), password));
  await elsewhere.login(user.username, password);
  const device = `${user.name} ${user.username}, who ${how}`;
  journal.write({ type: 'client', device, user: user.userId, transport: user.name, sees: 'events' });
  await membership.letIn(conversations[0] ?? '', user.userId);
  const stream = user.openStream(new Uint8Array(), ({ frame }) => {
    if (frame.case === 'event' && frame.value.seq > 0n) {
      journal.write({ type: 'deliver', device, how: 'live', ...toSeen(frame.value) });
    }
  });
  await stream.caughtUp;
  for (const watch of watches) watch.add(user.userId);
  journal.write({ type: 'stream', op: 'live', device });
  void stream.ended.then((failure) => {
    journal.write({ type: 'stream', op: 'close', device, code: failure?.code ?? 'OK' });
  });
  await delay(1_000);
  await end(user, elsewhere, password);
  journal.write({ type: 'session', op: 'ended', device });
  await callOn(journal, user, device);
  await Promise.all([user.close(), elsewhere.close()]);
}

async function sessionOf(user: User): Promise<string> {
  const { sessions } = await user.call(AuthService.method.listSessions, {});
  return sessions.find(({ current }) => current)?.sessionId ?? '';
}

function newUser(edge: Edge): User {
  const { host, certificateAuthority, plain } = grpcAddress(edge);
  return new User(createGrpcCaller(host, certificateAuthority, plain));
}

/** A new user whose session ends when the first answer is called, and who goes on calling with the token when the second is. */
export async function newLeaver(
  edge: Edge,
  journal: Journal,
): Promise<{ end(): Promise<void>; callOn(): Promise<void> }> {
  const user = newUser(edge);
  await patiently(() => user.register(newUsername(), newPassword()));
  const device = `${user.name} ${user.username}, who logs out`;
  return {
    async end() {
      // Whoever verifies the token by a wrong clock refuses even this.
      const ended = () =>
        user.logout().then(
          () => true,
          () => false,
        );
      await until('a session is ended', ended);
      journal.write({ type: 'session', op: 'ended', device });
    },
    async callOn() {
      await callOn(journal, user, device);
      await user.close();
    },
  };
}

async function callOn(journal: Journal, user: User, device: string): Promise<void> {
  const { listConversations } = ConversationService.method;
  for (const end = performance.now() + WATCHED_MS; performance.now() < end; await delay(EVERY_MS)) {
    const op = await user.call(listConversations, {}).then(
      () => 'answered' as const,
      () => 'refused' as const,
    );
    journal.write({ type: 'session', op, device });
  }
}
