import type { RealChat } from '@realchat/client';
import { ActivityService } from '@realchat/gen/realchat/operations/v1/activity_service';
import { UsageError } from './exit-codes.ts';
import type { Output } from './output.ts';

const MAX_PAGE = 500;
const DEFAULT_LIST = 50;

/** Prints how many messages were sent in each conversation on a day, the busiest first; today by UTC unless told. */
export async function activity(
  options: { operands: readonly string[]; day: string; limit: number },
  login: () => Promise<RealChat>,
  output: Output,
): Promise<void> {
  if (options.operands.length > 0) throw new UsageError('activity takes no operands');
  const day = options.day || new Date().toISOString().slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new UsageError('--day is YYYY-MM-DD');
  const chat = await login();
  const service = chat.service(ActivityService);
  let left = options.limit || DEFAULT_LIST;
  let pageToken = '';
  do {
    const page = await service.listActivity({ day, pageSize: Math.min(left, MAX_PAGE), pageToken });
    for (const { conversationId, messages, activeMembers } of page.conversations) {
      const words = `${conversationId}  ${messages} messages  ${activeMembers} members`;
      output.data({ day, conversationId, messages: String(messages), activeMembers }, words);
    }
    left -= page.conversations.length;
    pageToken = page.nextPageToken;
  } while (pageToken && left > 0);
}
