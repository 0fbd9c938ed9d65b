import { setTimeout as delay } from 'node:timers/promises';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { until } from '@realchat/testkit';
import { createGrpcCaller } from '../../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../../e2e/clients/user.ts';
import type { Journal } from '../history/journal.ts';
import { type Cast, type Edge, grpcAddress } from './cast.ts';
import { toSeen } from './said.ts';

const WATCHED_MS = 4_000;
const EVERY_MS = 200;

/**
 * One more member of the hot conversation logs out while messages flow, keeps its stream, and goes on calling with its token.
 * Others watch it go.
 */
export async function leaveForGood(
  edge: Edge,
  journal: Journal,
  { conversations, membership, watches }: Cast,
): Promise<void> {
  const { host, certificateAuthority, plain } = grpcAddress(edge);
  const user = new User(createGrpcCaller(host, certificateAuthority, plain));
  await user.register(newUsername(), newPassword());
  const device = `${user.name} ${user.username}, who logs out`;
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
  await user.logout();
  journal.write({ type: 'session', op: 'ended', device });
  await callOn(journal, user, device);
  await user.close();
}

/** A new user whose session ends when the first answer is called, and who goes on calling with the token when the second is. */
export async function newLeaver(
  edge: Edge,
  journal: Journal,
): Promise<{ end(): Promise<void>; callOn(): Promise<void> }> {
  const { host, certificateAuthority, plain } = grpcAddress(edge);
  const user = new User(createGrpcCaller(host, certificateAuthority, plain));
  await user.register(newUsername(), newPassword());
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
