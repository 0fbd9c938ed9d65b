import { create } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import { ConversationSchema, LeftConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { expect, it } from 'vitest';
import { Pause } from '../net/pause.ts';
import { Conversations } from '../store/conversations.ts';
import { ConversationSync } from './conversation-sync.ts';

type Lists = Pick<Client<typeof ConversationService>, 'listConversations' | 'listLeftConversations'>;

function syncOf(lists: { [List in keyof Lists]: (request: { pageToken?: string }) => Promise<unknown> }) {
  const known = new Conversations();
  const sync = new ConversationSync(known, {
    service: lists as unknown as Client<typeof ConversationService>,
    userId: 'me',
    changed: () => {},
    noted: () => {},
    pause: new Pause(),
    signal: new AbortController().signal,
  });
  return { sync, known };
}

const present = (conversationId: string) => create(ConversationSchema, { conversationId, lastSeq: 1n });
const left = (conversationId: string) => create(LeftConversationSchema, { conversationId, leftSeq: 3n });
const whole = <T>(...conversations: T[]) => ({ conversations, nextPageToken: '' });

it('takes nothing of a list that was outdated while it was on its way, and all of the next one', async () => {
  const answers: PromiseWithResolvers<unknown>[] = [];
  const listConversations = () => {
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    return answer.promise;
  };
  const { sync, known } = syncOf({ listConversations, listLeftConversations: async () => whole(left('left')) });
  const outdated = sync.listAll();
  sync.outdate();
  answers[0]?.resolve(whole(present('old')));
  expect(await outdated).toBeUndefined();
  expect([sync.listed, known.ids()]).toEqual([false, []]);
  const next = sync.listAll();
  answers[1]?.resolve(whole(present('new')));
  expect(await next).toEqual([left('left')]);
  expect([sync.listed, known.ids()]).toEqual([true, ['new']]);
});

it('gets every page of both lists', async () => {
  const paged =
    <T>(one: T, other: T) =>
    async ({ pageToken }: { pageToken?: string }) =>
      pageToken ? whole(other) : { conversations: [one], nextPageToken: 'more' };
  const { sync, known } = syncOf({
    listConversations: paged(present('a'), present('b')),
    listLeftConversations: paged(left('c'), left('d')),
  });
  expect(await sync.listAll()).toEqual([left('c'), left('d')]);
  expect(known.ids()).toEqual(['a', 'b']);
});

it('keeps to the present ones with a server that cannot list those that were left', async () => {
  const { sync, known } = syncOf({
    listConversations: async () => whole(present('here')),
    listLeftConversations: () => Promise.reject(new ConnectError('no such call', Code.Unimplemented)),
  });
  expect(await sync.listAll()).toEqual([]);
  expect([sync.listed, known.ids()]).toEqual([true, ['here']]);
});
