import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALLERS, type Caller, type Stage, setStage } from './callers-stage.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

// Every RPC that names no conversation and is answered by what its caller has, by everyone of a group. The others are in
// callers.int.test.ts; who has no token is refused by all: test/e2e/refusals.e2e.test.ts.

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.stop());

const REQUEST_ID = 'the-same-for-all';

const makeGroup = async (as: User, memberIds: string[]) => {
  const group = { case: 'group', value: { title: 'A group', memberIds } } as const;
  return (await as.conversations.createConversation({ conversation: group, requestId: REQUEST_ID })).conversation;
};
const openDirect = async (as: User, userId: string) => {
  const direct = { case: 'direct', value: { userId } } as const;
  return (await as.conversations.createConversation({ conversation: direct })).conversation?.conversationId;
};
const listed = async ({ conversations }: User) =>
  (await conversations.listConversations({})).conversations.map(({ conversationId }) => conversationId);

interface Row {
  name: string;
  /** Whether the caller, who is told OK, gets what is the group's, or the owner's. */
  call: (as: User, stage: Stage) => Promise<boolean>;
  gets: Caller[];
}

const TABLE: Row[] = [
  {
    name: 'ListConversations: the group is in it',
    call: async (as, { conversationId }) => (await listed(as)).includes(conversationId),
    gets: ['owner', 'admin', 'member'],
  },
  {
    name: 'ListLeftConversations: the group is in it, as far as the caller saw it',
    async call({ conversations }, { conversationId, left }) {
      const found = (await conversations.listLeftConversations({})).conversations;
      expect(found.filter((each) => each.leftSeq !== left)).toEqual([]);
      return found.some((each) => each.conversationId === conversationId);
    },
    gets: ['exMember'],
  },
  {
    name: 'CreateConversation: under the request_id of the owner it is the one that the owner made',
    async call(as, { owner, target }) {
      const made = await makeGroup(owner, [target.id]);
      const again = await makeGroup(as, [target.id]);
      expect(again).toMatchObject({ memberCount: 2 });
      return again?.conversationId === made?.conversationId;
    },
    gets: ['owner'],
  },
  {
    name: 'CreateConversation: the direct one of owner and member is theirs alone',
    async call(as, { owner, member, target }) {
      const theirs = await openDirect(owner, member.id);
      const peer = { [owner.id]: member, [member.id]: owner }[as.id] ?? target;
      const own = await openDirect(as, peer.id);
      expect(await listed(as)).toContain(own);
      expect((await listed(as)).includes(theirs ?? '')).toBe(own === theirs);
      return own === theirs;
    },
    gets: ['owner', 'member'],
  },
];

test('the table has every RPC that names no conversation', () => {
  const methods = [...ConversationService.methods, ...MessageService.methods].filter(
    ({ input }) => !input.fields.some(({ name }) => name === 'conversation_id'),
  );
  const names = new Set(TABLE.map(({ name }) => name.split(':')[0]));
  expect(names).toEqual(new Set(methods.map(({ name }) => name)));
});

describe.each(TABLE)('S-02: $name', ({ call, gets }) => {
  test.each(CALLERS.map((caller) => [caller, gets.includes(caller)] as const))('by %s: OK, %s', async (caller, own) => {
    const stage = await setStage(fixture);
    expect(await call(stage[caller], stage)).toBe(own);
  });
});
