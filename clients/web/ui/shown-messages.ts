import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { Chat } from '../chat/chat.ts';
import type { Shown } from './message-row.ts';

const CLOSE_MS = 3 * 60_000;

/** The messages of the conversation that is open: the committed ones in order of seq, then those that wait. */
export function shownMessages(chat: Chat): Shown[] {
  const { client, history, waiting } = chat;
  const messages = history?.timeline.messages() ?? [];
  const committed = messages.map((message, index): Shown => {
    const mine = message.senderId === client.userId;
    const continued = follows(messages[index - 1], message);
    // Keys that other devices of the same user chose may repeat; those of this page do not.
    const isOurs = mine && client.wrote(message.clientMessageId);
    const key = isOurs ? keyOf(message.clientMessageId) : `seq ${message.seq}`;
    const sender = mine ? '' : client.nameOf(message.senderId);
    return { key, mine, sender, continued, message, receipts: mine ? client.receipts(message) : undefined };
  });
  const pending = waiting.map((each): Shown => {
    return { key: keyOf(each.clientMessageId), mine: true, sender: '', continued: false, pending: each };
  });
  return [...committed, ...pending];
}

function keyOf(clientMessageId: string): string {
  return `own ${clientMessageId}`;
}

function follows(before: Message | undefined, message: Message): boolean {
  if (before?.senderId !== message.senderId || !before.createTime || !message.createTime) return false;
  return timestampMs(message.createTime) - timestampMs(before.createTime) < CLOSE_MS;
}
