import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListMessagesRequestSchema,
  ListMessagesResponse,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Seen } from '../history/line.ts';
import { failureOf, patiently } from './patiently.ts';
import { listed } from './said.ts';

const PAGE_SIZE = 200;

/** Every message of a conversation after a seq, page by page. */
export async function allPages(
  ask: (request: MessageInitShape<typeof ListMessagesRequestSchema>) => Promise<ListMessagesResponse>,
  conversationId: string,
  afterSeq = 0,
): Promise<Seen[]> {
  const messages: Seen[] = [];
  for (let value = BigInt(afterSeq); ; ) {
    const from = { case: 'afterSeq' as const, value };
    const page = await patiently(() => ask({ conversationId, from, pageSize: PAGE_SIZE }));
    messages.push(...page.messages.map(listed));
    if (!page.hasMore) return messages;
    value = page.throughSeq;
  }
}

/** Every conversation of a list of a user's, page by page. */
export async function allConversations<T>(
  ask: (request: { pageSize: number; pageToken: string }) => Promise<{ conversations: T[]; nextPageToken: string }>,
): Promise<T[]> {
  const conversations: T[] = [];
  for (let pageToken = ''; ; ) {
    const page = await patiently(() => ask({ pageSize: PAGE_SIZE, pageToken }));
    conversations.push(...page.conversations);
    if (page.nextPageToken === '') return conversations;
    pageToken = page.nextPageToken;
  }
}

/** Undefined when there is no such conversation: that is for the checker, not for the run, to judge. */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (failureOf(thrown).code !== 'NOT_FOUND') throw thrown;
    return undefined;
  }
}
