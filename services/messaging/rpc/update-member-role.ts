import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  UpdateMemberRoleRequest,
  UpdateMemberRoleResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { updateMemberRole as update } from '../db/update-member-role.ts';
import { accepted, authorOf, committed } from './group-change.ts';

/** Changes what a member may do. */
export async function updateMemberRole(
  context: MessagingContext,
  call: Call,
  request: UpdateMemberRoleRequest,
): Promise<MessageInitShape<typeof UpdateMemberRoleResponseSchema>> {
  const by = authorOf(call, request);
  const member = { userId: request.userId.toLowerCase(), role: request.role };
  const outcome = await update(context.pool, by, member);
  const { changed } = accepted(context, call, by, 'role-changed', outcome);
  if (changed) committed(context, call, by, 'role-changed', [member.userId]);
  return { member };
}
