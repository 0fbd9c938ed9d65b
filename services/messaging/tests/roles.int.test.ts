import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { refusalOf } from '@realchat/testkit';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

const { OWNER, ADMIN, MEMBER } = MemberRole;

let fixture: Fixture;
let conversationId: string;
let owner: User;
let others: User[];

beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.stop());

async function start(count: number): Promise<User[]> {
  const users = (await fixture.users(count)) as [User, ...User[]];
  [owner, ...others] = users;
  conversationId = await fixture.group(owner, others);
  return others;
}

async function roles(as: User): Promise<Record<string, MemberRole>> {
  const { members } = await as.conversations.listMembers({ conversationId });
  return Object.fromEntries(members.map(({ userId, role }) => [userId, role]));
}

function setRole(as: User, target: User, role: MemberRole) {
  return as.conversations.updateMemberRole({ conversationId, userId: target.id, role });
}

async function lastEvent() {
  return (await fixture.events(conversationId)).at(-1);
}

describe('UpdateMemberRole', () => {
  test('makes an admin of a member and a member of an admin, each with its event; a repeat is none', async () => {
    const [bob] = (await start(2)) as [User];
    expect((await setRole(owner, bob, ADMIN)).member).toMatchObject({ userId: bob.id, role: ADMIN });
    await setRole(owner, bob, ADMIN);
    expect(await lastEvent()).toMatchObject({
      seq: 2n,
      actorId: owner.id,
      change: { case: 'memberRoleChanged', value: { member: { userId: bob.id, role: ADMIN }, formerOwnerId: '' } },
    });
    await setRole(owner, bob, MEMBER);
    expect(await roles(owner)).toEqual({ [owner.id]: OWNER, [bob.id]: MEMBER });
    expect((await lastEvent())?.seq).toBe(3n);
  });

  test('giving the ownership away makes the former owner an admin, in one event; the repeat of it answers OK', async () => {
    const [bob, carol] = (await start(3)) as [User, User];
    await setRole(owner, bob, OWNER);
    expect(await roles(bob)).toEqual({ [owner.id]: ADMIN, [bob.id]: OWNER, [carol.id]: MEMBER });
    const told = await lastEvent();
    expect(told).toMatchObject({
      seq: 2n,
      change: { value: { member: { userId: bob.id, role: OWNER }, formerOwnerId: owner.id } },
    });
    expect((await setRole(owner, bob, OWNER)).member).toMatchObject({ userId: bob.id, role: OWNER });
    expect(await lastEvent()).toEqual(told);
    expect(await refusalOf(setRole(owner, carol, ADMIN))).toMatchObject({ reason: 'ROLE_REQUIRED' });
  });

  test('the owner’s own role changes only by naming another owner', async () => {
    await start(2);
    for (const role of [ADMIN, MEMBER]) {
      expect(await refusalOf(setRole(owner, owner, role))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'OWNER_REQUIRED',
        fields: ['role'],
      });
    }
    await setRole(owner, owner, OWNER);
    expect((await lastEvent())?.seq).toBe(1n);
  });

  test('who is no member has no role to change, whether they exist or not', async () => {
    const [bob] = (await start(2)) as [User];
    await bob.conversations.leaveConversation({ conversationId });
    const userId = uuidv7();
    const stranger = await refusalOf(owner.conversations.updateMemberRole({ conversationId, userId, role: ADMIN }));
    expect(stranger).toMatchObject({ code: 'NOT_FOUND', reason: 'MEMBER_NOT_FOUND' });
    expect(await refusalOf(setRole(owner, bob, ADMIN))).toEqual(stranger);
  });

  test('ownership given to several at once has one owner', async () => {
    const all = await start(5);
    await Promise.allSettled(all.map((user) => setRole(owner, user, OWNER)));
    const held = Object.values(await roles(owner)).toSorted((a, b) => a - b);
    expect(held).toEqual([MEMBER, MEMBER, MEMBER, ADMIN, OWNER]);
    expect((await lastEvent())?.seq).toBe(2n);
  });
});

describe('whom a role may remove', () => {
  test.each([
    ['an admin', 'a member', ADMIN, MEMBER, undefined],
    ['an admin', 'an admin', ADMIN, ADMIN, 'ROLE_REQUIRED'],
    ['an admin', 'the owner', ADMIN, OWNER, 'ROLE_REQUIRED'],
    ['a member', 'a member', MEMBER, MEMBER, 'ROLE_REQUIRED'],
    ['the owner', 'an admin', OWNER, ADMIN, undefined],
  ] as const)('%s removes %s', async (_who, _whom, callerRole, targetRole, reason) => {
    const [bob, carol] = (await start(3)) as [User, User];
    const caller = callerRole === OWNER ? owner : bob;
    const target = targetRole === OWNER ? owner : carol;
    if (callerRole === ADMIN) await setRole(owner, bob, ADMIN);
    if (targetRole === ADMIN) await setRole(owner, carol, ADMIN);
    const call = caller.conversations.removeMember({ conversationId, userId: target.id });
    if (reason) expect(await refusalOf(call)).toMatchObject({ code: 'PERMISSION_DENIED', reason });
    else await call;
    const left = Object.keys(await roles(caller));
    expect(left.includes(target.id)).toBe(reason !== undefined);
  });

  test('a role does not outlive the stint', async () => {
    const [bob] = (await start(2)) as [User];
    await setRole(owner, bob, ADMIN);
    await bob.conversations.leaveConversation({ conversationId });
    await owner.conversations.addMembers({ conversationId, userIds: [bob.id] });
    expect((await roles(bob))[bob.id]).toBe(MEMBER);
  });
});

describe('the owner leaves', () => {
  test('and the oldest admin inherits, in the same event', async () => {
    const [bob, carol] = (await start(3)) as [User, User];
    const [dave] = (await fixture.users(1)) as [User];
    await owner.conversations.addMembers({ conversationId, userIds: [dave.id] });
    await setRole(owner, dave, ADMIN);
    await owner.conversations.leaveConversation({ conversationId });
    expect(await lastEvent()).toMatchObject({
      change: { case: 'memberRemoved', value: { userId: owner.id, newOwnerId: dave.id } },
    });
    expect(await roles(bob)).toEqual({ [bob.id]: MEMBER, [carol.id]: MEMBER, [dave.id]: OWNER });
  });

  test('and without an admin the oldest member inherits', async () => {
    const [bob] = (await start(2)) as [User];
    const [dave] = (await fixture.users(1)) as [User];
    await owner.conversations.addMembers({ conversationId, userIds: [dave.id] });
    await owner.conversations.leaveConversation({ conversationId });
    expect(await roles(dave)).toEqual({ [bob.id]: OWNER, [dave.id]: MEMBER });
    await bob.conversations.leaveConversation({ conversationId });
    expect(await roles(dave)).toEqual({ [dave.id]: OWNER });
  });
});

describe('UpdateConversation', () => {
  test('gives a title, with its event; the title that it has is none', async () => {
    const [bob] = (await start(2)) as [User];
    const title = 'Tee & <b>Kuchen</b> 🍰';
    const { conversation } = await owner.conversations.updateConversation({ conversationId, title });
    expect(conversation).toMatchObject({ conversationId, title, lastSeq: 2n, role: OWNER });
    await owner.conversations.updateConversation({ conversationId, title });
    expect(await lastEvent()).toMatchObject({ seq: 2n, change: { case: 'conversationUpdated', value: { title } } });
    expect((await bob.conversations.getConversation({ conversationId })).conversation?.title).toBe(title);
  });
});
