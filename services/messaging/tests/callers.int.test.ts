import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { refusalOf } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALLERS, type Stage, setStage } from './callers-stage.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

// Every RPC that names a conversation, called by everyone who may or may not.

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.stop());

type Call = (as: User, stage: Stage, conversationId: string) => Promise<unknown>;
const ok = 'OK';
const role = 'ROLE_REQUIRED';
const none = 'CONVERSATION_NOT_FOUND';

const CODES: Record<string, string> = {
  ROLE_REQUIRED: 'PERMISSION_DENIED',
  CONVERSATION_NOT_FOUND: 'NOT_FOUND',
};

const TABLE: [
  name: string,
  call: Call,
  owner: string,
  admin: string,
  member: string,
  exMember: string,
  stranger: string,
][] = [
  [
    'GetConversation',
    (as, _, conversationId) => as.conversations.getConversation({ conversationId }),
    ok,
    ok,
    ok,
    none,
    none,
  ],
  [
    'UpdateConversation',
    (as, _, conversationId) => as.conversations.updateConversation({ conversationId, title: 'Another' }),
    ok,
    ok,
    role,
    none,
    none,
  ],
  ['ListMembers', (as, _, conversationId) => as.conversations.listMembers({ conversationId }), ok, ok, ok, none, none],
  [
    'AddMembers',
    (as, { stranger }, conversationId) => as.conversations.addMembers({ conversationId, userIds: [stranger.id] }),
    ok,
    ok,
    role,
    none,
    none,
  ],
  [
    'RemoveMember',
    (as, { target }, conversationId) => as.conversations.removeMember({ conversationId, userId: target.id }),
    ok,
    ok,
    role,
    none,
    none,
  ],
  [
    'UpdateMemberRole',
    (as, { target }, conversationId) =>
      as.conversations.updateMemberRole({ conversationId, userId: target.id, role: MemberRole.ADMIN }),
    ok,
    role,
    role,
    none,
    none,
  ],
  [
    'LeaveConversation',
    (as, _, conversationId) => as.conversations.leaveConversation({ conversationId }),
    ok,
    ok,
    ok,
    ok,
    none,
  ],
  [
    'SendMessage',
    (as, _, conversationId) =>
      as.messages.sendMessage({ conversationId, clientMessageId: 'one', content: { case: 'text', value: 'hi' } }),
    ok,
    ok,
    ok,
    none,
    none,
  ],
  ['ListMessages', (as, _, conversationId) => as.messages.listMessages({ conversationId }), ok, ok, ok, ok, none],
  [
    'GetMessage',
    (as, { seen }, conversationId) => as.messages.getMessage({ conversationId, messageId: seen }),
    ok,
    ok,
    ok,
    ok,
    none,
  ],
  ['MarkRead', (as, _, conversationId) => as.messages.markRead({ conversationId, number: 1n }), ok, ok, ok, none, none],
  [
    'MarkDelivered',
    (as, _, conversationId) => as.messages.markDelivered({ conversationId, number: 1n }),
    ok,
    ok,
    ok,
    none,
    none,
  ],
];

test('the table has every RPC that names a conversation', () => {
  const methods = [...ConversationService.methods, ...MessageService.methods].filter(({ input }) =>
    input.fields.some(({ name }) => name === 'conversation_id'),
  );
  expect(TABLE.map(([name]) => name).toSorted()).toEqual(methods.map(({ name }) => name).toSorted());
});

describe.each(TABLE)('S-02, S-03: %s', (_name, call, ...expected) => {
  test.each(CALLERS.map((caller, i) => [caller, expected[i] as string] as const))(
    'by %s: %s',
    async (caller, reason) => {
      const stage = await setStage(fixture);
      const as = stage[caller];
      if (reason === ok) {
        await call(as, stage, stage.conversationId);
        return;
      }
      const before = await stored(stage.conversationId);
      const refusal = await refusalOf(call(as, stage, stage.conversationId));
      expect(refusal).toMatchObject({ code: CODES[reason], reason });
      if (reason === none) expect(refusal).toEqual(await refusalOf(call(as, stage, uuidv7())));
      expect(await stored(stage.conversationId)).toEqual(before);
    },
  );

  test('S-01: by nobody: UNAUTHENTICATED', async () => {
    const stage = await setStage(fixture);
    const { grpc } = fixture.service.ports;
    const nobody: User = {
      id: uuidv7(),
      conversations: createTestClient(ConversationService, grpc),
      messages: createTestClient(MessageService, grpc),
    };
    expect(await refusalOf(call(nobody, stage, stage.conversationId))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a direct conversation', () => {
  const changes: [string, (as: User, conversationId: string, peer: User) => Promise<unknown>][] = [
    ['UpdateConversation', (as, conversationId) => as.conversations.updateConversation({ conversationId, title: 'x' })],
    ['AddMembers', (as, conversationId) => as.conversations.addMembers({ conversationId, userIds: [uuidv7()] })],
    ['RemoveMember', (as, conversationId, { id }) => as.conversations.removeMember({ conversationId, userId: id })],
    ['LeaveConversation', (as, conversationId) => as.conversations.leaveConversation({ conversationId })],
    [
      'UpdateMemberRole',
      (as, conversationId, { id }) =>
        as.conversations.updateMemberRole({ conversationId, userId: id, role: MemberRole.OWNER }),
    ],
  ];
  test.each(changes)('%s is refused to its users, and to strangers as if it did not exist', async (_name, change) => {
    const [one, other, stranger] = (await fixture.users(3)) as [User, User, User];
    const conversationId = await fixture.direct(one, other);
    expect(await refusalOf(change(one, conversationId, other))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_A_GROUP',
    });
    expect(await refusalOf(change(stranger, conversationId, other))).toMatchObject({ reason: none });
    expect(await fixture.events(conversationId)).toHaveLength(1);
  });
});

/** All that a refused call must leave as it was. */
async function stored(conversationId: string): Promise<unknown> {
  const { rows } = await fixture.db.query(
    `select c.title, c.last_seq, c.head_position,
            (select jsonb_agg(to_jsonb(m) order by m.user_id, m.joined_seq) from member m where m.conversation_id = c.id) as members,
            (select jsonb_agg(to_jsonb(p) order by p.user_id) from read_position p where p.conversation_id = c.id) as reads
     from conversation c where c.id = $1`,
    [conversationId],
  );
  return rows;
}
