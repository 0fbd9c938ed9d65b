import { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { describe, expect, test } from 'vitest';
import { type GroupAction, heirAmong, mayRemove, refusalOf, roleChange } from './group-rules.ts';

const { OWNER, ADMIN, MEMBER } = MemberRole;
const { GROUP, DIRECT } = ConversationKind;
const ACTIONS: GroupAction[] = ['update', 'add', 'remove', 'change-role', 'leave'];

describe('who may change a group', () => {
  const yes = undefined;
  const no = 'ROLE_REQUIRED';
  test.each([
    ['update', yes, yes, no],
    ['add', yes, yes, no],
    ['remove', yes, yes, no],
    ['change-role', yes, yes, no],
    ['leave', yes, yes, yes],
  ] as const)('%s: owner, admin, member', (action, owner, admin, member) => {
    const answers = [OWNER, ADMIN, MEMBER].map((role) => refusalOf(action, { kind: GROUP, role }));
    expect(answers).toEqual([owner, admin, member]);
  });

  test.each(ACTIONS)('%s: a direct conversation is no group, and a stranger sees nothing at all', (action) => {
    expect(refusalOf(action, { kind: DIRECT, role: MEMBER })).toBe('NOT_A_GROUP');
    for (const kind of [GROUP, DIRECT]) {
      expect(refusalOf(action, { kind, role: undefined })).toBe('CONVERSATION_NOT_FOUND');
    }
    expect(refusalOf(action, undefined)).toBe('CONVERSATION_NOT_FOUND');
  });
});

test.each([
  [OWNER, { owner: false, admin: true, member: true }],
  [ADMIN, { owner: false, admin: false, member: true }],
  [MEMBER, { owner: false, admin: false, member: false }],
])('role %i removes only those below it', (caller, expected) => {
  expect({
    owner: mayRemove(caller, OWNER),
    admin: mayRemove(caller, ADMIN),
    member: mayRemove(caller, MEMBER),
  }).toEqual(expected);
});

describe('a change of role', () => {
  const none = undefined;
  test.each([
    // caller, self, target's role, wanted, decision
    [OWNER, false, MEMBER, ADMIN, 'change'],
    [OWNER, false, ADMIN, MEMBER, 'change'],
    [OWNER, false, ADMIN, ADMIN, 'unchanged'],
    [OWNER, false, MEMBER, MEMBER, 'unchanged'],
    [OWNER, false, MEMBER, OWNER, 'hand-over'],
    [OWNER, false, ADMIN, OWNER, 'hand-over'],
    [OWNER, false, none, ADMIN, 'MEMBER_NOT_FOUND'],
    [OWNER, true, OWNER, OWNER, 'unchanged'],
    [OWNER, true, OWNER, ADMIN, 'OWNER_REQUIRED'],
    [OWNER, true, OWNER, MEMBER, 'OWNER_REQUIRED'],
    [ADMIN, false, OWNER, OWNER, 'unchanged'],
    [ADMIN, false, OWNER, MEMBER, 'ROLE_REQUIRED'],
    [ADMIN, false, MEMBER, OWNER, 'ROLE_REQUIRED'],
    [ADMIN, false, MEMBER, ADMIN, 'ROLE_REQUIRED'],
    [ADMIN, false, none, ADMIN, 'ROLE_REQUIRED'],
    [ADMIN, true, ADMIN, OWNER, 'ROLE_REQUIRED'],
    [ADMIN, true, ADMIN, MEMBER, 'ROLE_REQUIRED'],
    [MEMBER, true, MEMBER, OWNER, 'ROLE_REQUIRED'],
    [MEMBER, false, OWNER, OWNER, 'ROLE_REQUIRED'],
  ] as const)('role %i (self %s) wants for role %s the role %i: %s', (caller, self, target, wanted, decision) => {
    expect(roleChange({ caller, self, target, wanted })).toBe(decision);
  });
});

describe('the heir', () => {
  const member = (userId: string, role: MemberRole, joinedSeq: bigint) => ({ userId, role, joinedSeq });
  test('is the oldest admin, however old the members are', () => {
    const left = [member('m', MEMBER, 1n), member('young', ADMIN, 9n), member('old', ADMIN, 4n)];
    expect(heirAmong(left)).toBe('old');
  });

  test('is the oldest member where there is no admin; the same of two who joined together', () => {
    const left = [member('late', MEMBER, 5n), member('b', MEMBER, 1n), member('a', MEMBER, 1n)];
    expect(heirAmong(left)).toBe('a');
    expect(heirAmong(left.toReversed())).toBe('a');
  });

  test('is nobody where nobody is left', () => {
    expect(heirAmong([])).toBeUndefined();
  });
});
