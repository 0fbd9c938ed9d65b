import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { membershipChange } from '../../e2e/support/message-store.ts';
import { hashOf } from '../history/journal.ts';
import type { Said, Seen } from '../history/line.ts';

/** A message as a history has it. */
export function toSaid({ messageId, number, senderId, clientMessageId, content }: Message): Said {
  const text = content.case === 'text' ? content.value : '';
  return { id: messageId, number: Number(number), sender: senderId, key: clientMessageId, hash: hashOf(text) };
}

/** An event of a stream as a history has it. */
export function toSeen({ conversationId, seq, change }: ConversationEvent): Seen {
  const place = { conversation: conversationId, seq: Number(seq), ...membershipChange(change) };
  const message = change.case === 'messageSent' ? change.value.message : undefined;
  return message ? { ...place, message: toSaid(message) } : place;
}

/** A message that was listed. */
export function listed(message: Message): Seen {
  return { conversation: message.conversationId, seq: Number(message.seq), message: toSaid(message) };
}
