import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListLeftConversationsRequest,
  ListLeftConversationsResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readLeftConversations } from '../db/conversation-rows.ts';
import { decodePageToken, encodePageToken, pageOf } from '../domain/page-token.ts';

const DEFAULT_PAGE_SIZE = 200;

/** Returns a page of the conversations in which a membership of the caller has ended, newest made first. */
export async function listLeftConversations(
  context: MessagingContext,
  call: Call,
  request: ListLeftConversationsRequest,
): Promise<MessageInitShape<typeof ListLeftConversationsResponseSchema>> {
  const before = request.pageToken ? decodePageToken(request.pageToken) : undefined;
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  const found = await readLeftConversations(context.pool, call.caller.userId, before, size + 1);
  const { page, nextPageToken } = pageOf(found, size, (last) => encodePageToken(last.conversationId));
  return { conversations: page, nextPageToken };
}
