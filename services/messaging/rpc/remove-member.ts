import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  RemoveMemberRequest,
  RemoveMemberResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { removeMember as remove } from '../db/remove-member.ts';
import { accepted, authorOf, committed } from './group-change.ts';
import { invalidField } from './refusals.ts';

/** Removes another member from a group. */
export async function removeMember(
  context: MessagingContext,
  call: Call,
  request: RemoveMemberRequest,
): Promise<MessageInitShape<typeof RemoveMemberResponseSchema>> {
  const by = authorOf(call, request);
  const userId = request.userId.toLowerCase();
  if (userId === by.userId) throw invalidField('USE_LEAVE', 'user_id', 'to end your own membership, leave');
  const outcome = await remove(context.pool, by, userId);
  const { changed } = accepted(context, call, by, 'member-removed', outcome);
  if (changed) committed(context, call, by, 'member-removed', [userId]);
  return {};
}
