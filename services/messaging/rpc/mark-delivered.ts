import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  MarkDeliveredRequest,
  MarkDeliveredResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { markDelivered as mark } from '../db/mark-position.ts';
import { markRefusalError } from './refusals.ts';

/** Stores up to which message a device of the caller has received all. */
export async function markDelivered(
  context: MessagingContext,
  call: Call,
  request: MarkDeliveredRequest,
): Promise<MessageInitShape<typeof MarkDeliveredResponseSchema>> {
  const { conversationId, number } = request;
  const outcome = await mark(context.pool, { conversationId, userId: call.caller.userId, number });
  if (typeof outcome === 'string') throw markRefusalError(outcome);
  return outcome;
}
