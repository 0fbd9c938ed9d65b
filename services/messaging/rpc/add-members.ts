import type { MessageInitShape } from '@bufbuild/protobuf';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import type {
  AddMembersRequest,
  AddMembersResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { addMembers as add, previewAdding } from '../db/add-members.ts';
import { accepted, authorOf, committed } from './group-change.ts';
import { refuseUnknownUsers } from './known-users.ts';

/** Adds users to a group, all or none. */
export async function addMembers(
  context: MessagingContext,
  call: Call,
  request: AddMembersRequest,
): Promise<MessageInitShape<typeof AddMembersResponseSchema>> {
  const by = authorOf(call, request);
  const userIds = [...new Set(request.userIds.map((id) => id.toLowerCase()))];

  const preview = await previewAdding(context.pool, by, userIds);
  const { joining } = accepted(context, call, by, 'members-added', preview);
  await refuseUnknownUsers(context, call, joining);

  const outcome = await add(context.pool, by, joining);
  const { added } = accepted(context, call, by, 'members-added', outcome);
  if (added.length > 0) committed(context, call, by, 'members-added', added);
  return { members: added.map((userId) => ({ userId, role: MemberRole.MEMBER })) };
}
