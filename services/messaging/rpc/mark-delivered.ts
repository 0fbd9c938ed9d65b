import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  MarkDeliveredRequest,
  MarkDeliveredResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { markDelivered as mark } from '../db/mark-position.ts';
import { markRefusalError } from './refusals.ts';

/** Every message makes each member tell each other one: the square of this many pushes is what a message may cost. */
const MOST_TOLD = 20;

/** Stores up to which message a device of the caller has received all, and has the other members told. */
export async function markDelivered(
  context: MessagingContext,
  call: Call,
  request: MarkDeliveredRequest,
): Promise<MessageInitShape<typeof MarkDeliveredResponseSchema>> {
  const { conversationId, number } = request;
  const { userId } = call.caller;
  const outcome = await mark(context.pool, { conversationId, userId, number }, MOST_TOLD);
  if (typeof outcome === 'string') throw markRefusalError(outcome);
  const { deliveredNumber, toTell } = outcome;
  if (toTell) context.deliveredTeller.note(conversationId.toLowerCase(), userId, deliveredNumber);
  return { deliveredNumber };
}
