import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListMembersRequest,
  ListMembersResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readMembers } from '../db/read-members.ts';
import { decodeMemberPageToken, encodeMemberPageToken, pageOf } from '../domain/page-token.ts';
import { conversationNotFound } from './refusals.ts';

const DEFAULT_PAGE_SIZE = 100;

/** Returns a page of the present members to one of them, in the order in which they joined. */
export async function listMembers(
  context: MessagingContext,
  call: Call,
  request: ListMembersRequest,
): Promise<MessageInitShape<typeof ListMembersResponseSchema>> {
  const after = request.pageToken ? decodeMemberPageToken(request.pageToken) : undefined;
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  const { conversationId } = request;
  const found = await readMembers(context.pool, { viewer: call.caller.userId, conversationId, after, limit: size + 1 });
  if (!found) throw conversationNotFound();
  const { page, nextPageToken } = pageOf(found, size, encodeMemberPageToken);
  return { members: page.map(({ member }) => member), nextPageToken };
}
