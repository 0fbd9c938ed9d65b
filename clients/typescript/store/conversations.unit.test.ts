import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import { MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { describe, expect, it } from 'vitest';
import { Conversations, unreadCount } from './conversations.ts';

const conversation = (conversationId: string, last: bigint, madeAt = 0, unread = 0n) =>
  create(ConversationSchema, {
    conversationId,
    lastSeq: last + 1n,
    lastNumber: last,
    unreadCount: unread,
    createTime: timestampFromMs(madeAt),
  });
const message = (conversationId: string, number: bigint, at = 0) =>
  create(MessageSchema, { conversationId, number, seq: number + 1n, createTime: timestampFromMs(at) });

function unreadIn(conversations: Conversations, id: string): number {
  const entry = conversations.get(id);
  return entry ? unreadCount(entry) : -1;
}

describe('Conversations', () => {
  it('counts each new message once, however often it is pushed', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 3n));
    expect(unreadIn(conversations, 'a')).toBe(0);
    for (const number of [4n, 4n, 5n, 4n]) conversations.noteMessage(message('a', number), false);
    expect(unreadIn(conversations, 'a')).toBe(2);
    expect(conversations.get('a')?.latest?.number).toBe(5n);
  });

  it('begins with what the server counts, and goes on from what was read anywhere', () => {
    const conversations = new Conversations();
    conversations.putAll([conversation('a', 9n, 0, 4n)], []);
    expect(unreadIn(conversations, 'a')).toBe(4);
    conversations.markRead('a', 7n);
    conversations.markRead('a', 6n);
    expect(unreadIn(conversations, 'a')).toBe(2);
    conversations.noteMessage(message('a', 10n), false);
    expect(unreadIn(conversations, 'a')).toBe(3);
    conversations.noteMessage(message('a', 11n), true);
    expect(unreadIn(conversations, 'a')).toBe(0);
  });

  it('takes nothing back of what was read here and has not reached the server', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 5n, 0, 5n));
    conversations.markRead('a', 5n);
    conversations.putAll([conversation('a', 6n, 0, 6n)], ['a']);
    expect(unreadIn(conversations, 'a')).toBe(1);
  });

  it('begins anew when the log is another one, with smaller numbers', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 9n));
    conversations.noteMessage(message('a', 10n), true);
    conversations.putAll([conversation('a', 3n)], ['a']);
    expect(unreadIn(conversations, 'a')).toBe(0);
    conversations.noteMessage(message('a', 4n), false);
    expect(unreadIn(conversations, 'a')).toBe(1);
  });

  it('lists the last active first and not what was left', () => {
    const conversations = new Conversations();
    conversations.putAll(
      [conversation('old', 0n, 100), conversation('new', 0n, 300), conversation('gone', 0n, 200)],
      [],
    );
    conversations.put(conversation('late', 0n, 50));
    // 'late' was made while the list was on its way.
    conversations.putAll([conversation('old', 1n, 100), conversation('new', 0n, 300)], ['old', 'new', 'gone']);
    conversations.noteMessage(message('old', 1n, 400), false);
    expect(conversations.sorted().map((entry) => entry.conversation.conversationId)).toEqual(['old', 'new', 'late']);
    expect(conversations.get('gone')?.left).toBe(true);
  });
});
