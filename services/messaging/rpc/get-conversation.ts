import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  GetConversationRequest,
  GetConversationResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readConversation } from '../db/conversation-rows.ts';
import { conversationNotFound } from './refusals.ts';

/** Returns a conversation to one of its members. */
export async function getConversation(
  context: MessagingContext,
  call: Call,
  request: GetConversationRequest,
): Promise<MessageInitShape<typeof GetConversationResponseSchema>> {
  const conversation = await readConversation(context.pool, call.caller.userId, request.conversationId);
  if (!conversation) throw conversationNotFound();
  return { conversation };
}
