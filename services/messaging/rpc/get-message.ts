import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetMessageRequest, GetMessageResponseSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readMessage, readVisibility } from '../db/read-messages.ts';
import { toMessage } from '../domain/message-bytes.ts';
import { conversationNotFound } from './refusals.ts';

/** Returns one message that the caller's stints as a member let them see. */
export async function getMessage(
  context: MessagingContext,
  call: Call,
  request: GetMessageRequest,
): Promise<MessageInitShape<typeof GetMessageResponseSchema>> {
  const { conversationId, messageId } = request;
  const { userId } = call.caller;
  const stored = await readMessage(context.pool, { userId, conversationId, messageId });
  if (stored) return { message: toMessage(stored) };
  if (!(await readVisibility(context.pool, userId, conversationId))) throw conversationNotFound();
  throw new RpcError(Code.NOT_FOUND, 'MESSAGE_NOT_FOUND', 'no such message');
}
