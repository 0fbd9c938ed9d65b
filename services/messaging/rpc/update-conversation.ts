import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  UpdateConversationRequest,
  UpdateConversationResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readConversation } from '../db/conversation-rows.ts';
import { updateConversation as update } from '../db/update-conversation.ts';
import { accepted, authorOf, committed } from './group-change.ts';
import { conversationNotFound } from './refusals.ts';

/** Changes a group's settings. */
export async function updateConversation(
  context: MessagingContext,
  call: Call,
  request: UpdateConversationRequest,
): Promise<MessageInitShape<typeof UpdateConversationResponseSchema>> {
  const by = authorOf(call, request);
  const outcome = await update(context.pool, by, request.title);
  const { changed } = accepted(context, call, by, 'updated', outcome);
  if (changed) committed(context, call, by, 'updated', []);
  const conversation = await readConversation(context.pool, by.userId, by.conversationId);
  // Changed, and removed since.
  if (!conversation) throw conversationNotFound();
  return { conversation };
}
