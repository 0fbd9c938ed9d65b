import { create } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { ConversationSchema, LeftConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { expect, it } from 'vitest';
import { Pause } from '../net/pause.ts';
import { Conversations } from '../store/conversations.ts';
import { ConversationSync } from './conversation-sync.ts';

it('takes nothing of a list that was outdated while it was on its way, and all of the next one', async () => {
  const answers: PromiseWithResolvers<unknown>[] = [];
  const listConversations = () => {
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    return answer.promise;
  };
  const left = [create(LeftConversationSchema, { conversationId: 'left', leftSeq: 3n })];
  const listLeftConversations = async () => ({ conversations: left, nextPageToken: '' });
  const known = new Conversations();
  const sync = new ConversationSync(known, {
    service: { listConversations, listLeftConversations } as unknown as Client<typeof ConversationService>,
    userId: 'me',
    changed: () => {},
    noted: () => {},
    pause: new Pause(),
    signal: new AbortController().signal,
  });
  const page = (conversationId: string) => ({
    conversations: [create(ConversationSchema, { conversationId, lastSeq: 1n })],
    nextPageToken: '',
  });
  const outdated = sync.listAll();
  sync.outdate();
  answers[0]?.resolve(page('old'));
  expect(await outdated).toBeUndefined();
  expect([sync.listed, known.ids()]).toEqual([false, []]);
  const next = sync.listAll();
  answers[1]?.resolve(page('new'));
  expect(await next).toEqual(left);
  expect([sync.listed, known.ids()]).toEqual([true, ['new']]);
});
