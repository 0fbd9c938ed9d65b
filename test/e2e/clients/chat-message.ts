import type { Message } from '@realchat/gen/realchat/messaging/v1/message';

/** A message as every client of these tests sees it. */
export interface ChatMessage {
  conversationId: string;
  seq: number;
  number: number;
  messageId: string;
  senderId: string;
  clientMessageId: string;
  text: string;
}

/** Throws when there is no message with a text. */
export function toChatMessage(message: Message | undefined): ChatMessage {
  if (message?.content.case !== 'text') throw new Error('there is no text message');
  const { conversationId, messageId, senderId, clientMessageId } = message;
  const { seq, number, content } = message;
  const places = { seq: Number(seq), number: Number(number) };
  return { conversationId, messageId, senderId, clientMessageId, ...places, text: content.value };
}
