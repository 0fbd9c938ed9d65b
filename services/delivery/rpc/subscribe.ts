import {
  ResetReason,
  type SubscribeRequest,
  type SubscribeResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Call, type ResponseStream, unavailable } from '@realchat/rpc';
import type { DeliveryContext } from '../context.ts';
import { epochTag } from '../domain/cursor.ts';
import { failed } from '../domain/endings.ts';
import { resetFrame } from '../domain/frames.ts';
import { openSession } from '../domain/open-session.ts';
import { Session } from '../domain/session.ts';
import { StreamRecord } from '../domain/stream-record.ts';
import { admit } from './admit.ts';

/** Replays what the caller missed since a cursor, says `caught_up`, and goes on live until the session ends. */
export async function subscribe(
  context: DeliveryContext,
  call: Call,
  request: SubscribeRequest,
  stream: ResponseStream<typeof SubscribeResponseSchema>,
): Promise<void> {
  const { caller } = call;
  const start = whereToStart(context, request.cursor, caller.userId);
  const session = new Session({
    userId: caller.userId,
    loginId: caller.sessionId,
    expiresAt: caller.expiresAt,
    place: context.place,
    sink: stream,
    limits: context.queueLimits,
    budget: context.budget,
    record: new StreamRecord({
      userId: caller.userId,
      deviceId: caller.deviceId,
      epoch: context.log.epoch,
      after: start.after,
      tails: () => context.log.positions(),
    }),
  });
  admit(context.sessions, session, call, context.isRevoked);
  const openedAt = performance.now();
  context.streams.opened(session);
  context.leases.opened(caller.userId, caller.deviceId);
  context.devices.seen(caller.userId, caller.deviceId);
  context.events.sessionOpened(call, start.from);
  if (start.from === 'other-log') session.send(resetFrame(ResetReason.EPOCH_CHANGED));
  openSession(context, session, start.after).catch((error: unknown) => session.end(failed(error)));

  const ending = await session.ended;
  context.hub.leave(session);
  context.streams.ended(session);
  context.leases.closed(caller.userId, caller.deviceId);
  context.devices.seen(caller.userId, caller.deviceId);
  context.sessions.release(session);
  context.events.sessionEnded(call, ending, performance.now() - openedAt);
  throw ending.error;
}

interface Start {
  from: 'cursor' | 'now' | 'other-log';
  after: readonly number[] | undefined;
}

function whereToStart({ log, cursors }: DeliveryContext, cursor: Uint8Array, userId: string): Start {
  if (!log.known) throw unavailable('the event log is not known yet');
  if (cursor.length === 0) return { from: 'now', after: undefined };
  const place = cursors.open(cursor, userId);
  const sameLog =
    Buffer.compare(place.epochTag, epochTag(log.epoch)) === 0 && place.positions.length === log.shardCount;
  return sameLog ? { from: 'cursor', after: place.positions } : { from: 'other-log', after: undefined };
}
