import { create } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import { ConversationSchema, LeftConversationSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { expect, it, vi } from 'vitest';
import { Pause } from '../net/pause.ts';
import { Conversations } from '../store/conversations.ts';
import { ConversationSync, type Lists } from './conversation-sync.ts';

type Service = Pick<Client<typeof ConversationService>, 'listConversations' | 'listLeftConversations'>;

function syncOf(lists: { [List in keyof Service]: (request: { pageToken?: string }) => Promise<unknown> }) {
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

/** What was heard of a listing: all at once, that it was refused, or nothing more after its first list. */
async function listed(sync: ConversationSync, firstCame: () => void = () => {}) {
  let heard: Lists | 'refused' | undefined;
  await sync.listAll({
    present: firstCame,
    all: (lists) => {
      heard = lists;
    },
    refused: () => {
      heard = 'refused';
    },
  });
  return heard;
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
  const outdated = listed(sync);
  sync.outdate();
  answers[0]?.resolve(whole(present('old')));
  expect(await outdated).toBeUndefined();
  expect([sync.listed, known.ids()]).toEqual([false, []]);
  const next = listed(sync);
  answers[1]?.resolve(whole(present('new')));
  expect(await next).toEqual({ present: [present('new')], left: [left('left')] });
  expect([sync.listed, known.ids()]).toEqual([true, ['new']]);
});

it('shows those that the user is in before it has the others, and takes neither when that is outdated meanwhile', async () => {
  const late = Promise.withResolvers<unknown>();
  const listLeftConversations = () => late.promise;
  const { sync, known } = syncOf({ listConversations: async () => whole(present('here')), listLeftConversations });
  const shown = Promise.withResolvers<void>();
  const lists = listed(sync, shown.resolve);
  await shown.promise;
  expect([sync.listed, known.ids()]).toEqual([true, ['here']]);
  sync.outdate();
  late.resolve(whole(left('left')));
  expect(await lists).toBeUndefined();
});

it('gets every page of both lists', async () => {
  const paged =
    <T>(one: T, other: T) =>
    async ({ pageToken }: { pageToken?: string }) =>
      pageToken ? whole(other) : { conversations: [one], nextPageToken: 'more' };
  const { sync } = syncOf({
    listConversations: paged(present('a'), present('b')),
    listLeftConversations: paged(left('c'), left('d')),
  });
  const all = { present: [present('a'), present('b')], left: [left('c'), left('d')] };
  expect(await listed(sync)).toEqual(all);
});

it.each([
  ['does not know those that were left', Code.Unimplemented, undefined],
  ['is away for a moment', Code.Unavailable, [left('left')]],
])('keeps to the present ones with a server that %s', async (_, code, expected) => {
  const listLeftConversations = vi
    .fn(async () => whole(left('left')))
    .mockRejectedValueOnce(new ConnectError('not now', code));
  const { sync, known } = syncOf({ listConversations: async () => whole(present('here')), listLeftConversations });
  expect(await listed(sync)).toEqual({ present: [present('here')], left: expected });
  expect(known.ids()).toEqual(['here']);
});

it('lets pushed ones be shown when the server lists none', async () => {
  const refused = () => Promise.reject(new ConnectError('no such user', Code.PermissionDenied));
  const { sync } = syncOf({ listConversations: refused, listLeftConversations: refused });
  expect(await listed(sync)).toBe('refused');
  expect(sync.listed).toBe(true);
});
