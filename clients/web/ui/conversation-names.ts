import type { RealChat } from '@realchat/client';
import { type Conversation, ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';

/** What to call a conversation. */
export function titleOf({ kind, title, peerId }: Conversation, client: RealChat): string {
  if (kind === ConversationKind.DIRECT) return client.nameOf(peerId) || '…';
  return title || 'Conversation';
}

/** What sort of conversation it is. */
export function kindOf({ kind, memberCount }: Conversation): string {
  if (kind === ConversationKind.DIRECT) return 'Direct';
  return memberCount === 1 ? 'Group, only you' : `Group of ${memberCount}`;
}
