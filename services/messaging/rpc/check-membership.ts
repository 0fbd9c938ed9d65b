import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  CheckMembershipRequest,
  CheckMembershipResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/membership_service';
import type { MembershipContext } from '../context.ts';
import { isPresent } from '../db/read-memberships.ts';

/** Tells whether a user is a member of a conversation at present. */
export async function checkMembership(
  context: MembershipContext,
  { userId, conversationId }: CheckMembershipRequest,
): Promise<MessageInitShape<typeof CheckMembershipResponseSchema>> {
  return { member: await isPresent(context.pool, userId, conversationId) };
}
