import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import { MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { describe, expect, it } from 'vitest';
import { Conversations, unseen } from './conversations.ts';

const conversation = (conversationId: string, last: bigint, madeAt = 0) =>
  create(ConversationSchema, {
    conversationId,
    lastSeq: last + 1n,
    lastNumber: last,
    createTime: timestampFromMs(madeAt),
  });
const message = (conversationId: string, number: bigint, at = 0) =>
  create(MessageSchema, { conversationId, number, seq: number + 1n, createTime: timestampFromMs(at) });

function unseenIn(conversations: Conversations, id: string): number {
  const entry = conversations.get(id);
  return entry ? unseen(entry) : -1;
}

describe('Conversations', () => {
  it('counts each new message once, however often it is pushed', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 3n));
    expect(unseenIn(conversations, 'a')).toBe(0);
    for (const number of [4n, 4n, 5n, 4n]) conversations.noteMessage(message('a', number), false);
    expect(unseenIn(conversations, 'a')).toBe(2);
    expect(conversations.get('a')?.latest?.number).toBe(5n);
  });

  it('counts what is replayed although the first listing held it already', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 5n));
    for (const number of [4n, 5n]) conversations.noteMessage(message('a', number), false);
    expect(unseenIn(conversations, 'a')).toBe(2);
  });

  it('counts what a later listing shows to have come unheard', () => {
    const conversations = new Conversations();
    conversations.putAll([conversation('a', 5n)], []);
    conversations.putAll([conversation('a', 9n)], ['a']);
    expect(unseenIn(conversations, 'a')).toBe(4);
  });

  it('takes a conversation for seen once it was looked at, replays included', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 5n));
    conversations.noteMessage(message('a', 4n), false);
    conversations.markSeen('a');
    conversations.noteMessage(message('a', 5n), false);
    expect(unseenIn(conversations, 'a')).toBe(0);
    conversations.noteMessage(message('a', 6n), false);
    conversations.noteMessage(message('a', 7n), true);
    expect(unseenIn(conversations, 'a')).toBe(0);
  });

  it('begins anew when the log is another one, with smaller numbers', () => {
    const conversations = new Conversations();
    conversations.put(conversation('a', 9n));
    conversations.noteMessage(message('a', 10n), true);
    conversations.putAll([conversation('a', 3n)], ['a']);
    expect(unseenIn(conversations, 'a')).toBe(0);
    conversations.noteMessage(message('a', 4n), false);
    expect(unseenIn(conversations, 'a')).toBe(1);
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
