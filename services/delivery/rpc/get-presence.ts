import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  GetPresenceRequest,
  GetPresenceResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Call } from '@realchat/rpc';
import type { PresenceContext } from '../context.ts';
import { toPresence } from '../domain/presence.ts';
import { presenceUnknown, userIdsOf } from './presence-requests.ts';

/** Tells who of those with whom the caller shares a conversation is online. */
export async function getPresence(
  context: PresenceContext,
  call: Call,
  request: GetPresenceRequest,
): Promise<MessageInitShape<typeof GetPresenceResponseSchema>> {
  const { memberships, store, devices, events } = context;
  const visible = await memberships.companions(call.caller.userId, userIdsOf(request));
  const facts = await store.read([...visible]).catch((error: unknown) => {
    events.stored('read', 'failed');
    throw presenceUnknown(error);
  });
  events.stored('read', 'done');
  return { presences: (await devices.withLastSeen(facts)).map(toPresence) };
}
