import type {
  WatchPresenceRequest,
  WatchPresenceResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Call, isCalleeUnavailable, type ResponseStream } from '@realchat/rpc';
import type { PresenceContext } from '../context.ts';
import { failed } from '../domain/endings.ts';
import { Watch } from '../domain/watch.ts';
import { admit } from './admit.ts';
import { presenceUnknown, userIdsOf } from './presence-requests.ts';

/** Tells who of those with whom the caller shares a conversation is online, and each change, until the stream ends. */
export async function watchPresence(
  context: PresenceContext,
  call: Call,
  request: WatchPresenceRequest,
  stream: ResponseStream<typeof WatchPresenceResponseSchema>,
): Promise<void> {
  const { caller } = call;
  const { watches, watcher, events } = context;
  const watch = new Watch({
    userId: caller.userId,
    loginId: caller.sessionId,
    expiresAt: caller.expiresAt,
    askedIds: userIdsOf(request),
    sink: stream,
    onTold: events.told,
  });
  admit(watches, watch, call, context.isRevoked);
  const openedAt = performance.now();
  events.watchOpened(call);
  watcher.open(watch).catch((error: unknown) => {
    watch.end(failed(isCalleeUnavailable(error) ? error : presenceUnknown(error)));
  });

  const ending = await watch.ended;
  watcher.close(watch);
  watches.release(watch);
  events.watchEnded(call, ending, performance.now() - openedAt);
  throw ending.error;
}
