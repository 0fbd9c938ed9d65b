import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MarkReadRequest, MarkReadResponseSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { markRead as mark } from '../db/mark-position.ts';
import { authorOf } from './group-change.ts';
import { markRefusalError } from './refusals.ts';

/** Stores how far the caller has read; the members are told soon after. */
export async function markRead(
  context: MessagingContext,
  call: Call,
  request: MarkReadRequest,
): Promise<MessageInitShape<typeof MarkReadResponseSchema>> {
  const outcome = await mark(context.pool, { ...authorOf(call, request), number: request.number });
  if (typeof outcome === 'string') throw markRefusalError(outcome);
  if (outcome.advanced) context.readTeller.wake();
  return { readNumber: outcome.readNumber, unreadCount: outcome.unreadCount };
}
