import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListConversationsRequest,
  ListConversationsResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readConversations } from '../db/conversation-rows.ts';
import { decodePageToken, encodePageToken, pageOf } from '../domain/page-token.ts';

const DEFAULT_PAGE_SIZE = 50;

/** Returns a page of the caller's conversations, newest made first. */
export async function listConversations(
  context: MessagingContext,
  call: Call,
  request: ListConversationsRequest,
): Promise<MessageInitShape<typeof ListConversationsResponseSchema>> {
  const before = request.pageToken ? decodePageToken(request.pageToken) : undefined;
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  const found = await readConversations(context.pool, call.caller.userId, before, size + 1);
  const { page, nextPageToken } = pageOf(found, size, (last) => encodePageToken(last.conversationId ?? ''));
  return { conversations: page, nextPageToken };
}
