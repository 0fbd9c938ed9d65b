import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  LeaveConversationRequest,
  LeaveConversationResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { leaveConversation as leave } from '../db/leave-conversation.ts';
import { accepted, authorOf, committed } from './group-change.ts';

/** Ends the caller's own membership of a group. */
export async function leaveConversation(
  context: MessagingContext,
  call: Call,
  request: LeaveConversationRequest,
): Promise<MessageInitShape<typeof LeaveConversationResponseSchema>> {
  const by = authorOf(call, request);
  const outcome = await leave(context.pool, by);
  const { changed } = accepted(context, call, by, 'member-left', outcome);
  if (changed) committed(context, call, by, 'member-left', [by.userId]);
  return {};
}
