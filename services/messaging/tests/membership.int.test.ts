import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { refusalOf } from '@realchat/testkit';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.stop());
beforeEach(() => {
  fixture.accountsAway = false;
});

async function groupOf(count: number): Promise<{ conversationId: string; users: User[]; owner: User; rest: User[] }> {
  const users = await fixture.users(count);
  const [owner, ...rest] = users as [User, ...User[]];
  return { conversationId: await fixture.group(owner, rest), users, owner, rest };
}

async function membersOf(as: User, conversationId: string) {
  return (await as.conversations.listMembers({ conversationId })).members;
}

async function changesOf(conversationId: string) {
  return (await fixture.events(conversationId)).map(({ change, seq }) => [change.case, seq]);
}

async function textsFor(user: User, conversationId: string) {
  const { messages } = await user.messages.listMessages({ conversationId });
  return messages.map(({ content }) => content.value);
}

describe('AddMembers', () => {
  test('who is added is a member from that event on, and sees nothing earlier', async () => {
    const { conversationId, owner } = await groupOf(2);
    const [joiner] = (await fixture.users(1)) as [User];
    await fixture.send(owner, conversationId, 'before');
    const { members } = await owner.conversations.addMembers({ conversationId, userIds: [joiner.id] });
    expect(members).toMatchObject([{ userId: joiner.id, role: MemberRole.MEMBER }]);
    await fixture.send(joiner, conversationId, 'after');
    expect(await textsFor(joiner, conversationId)).toEqual(['after']);
    expect(await textsFor(owner, conversationId)).toEqual(['before', 'after']);
    const { conversation } = await joiner.conversations.getConversation({ conversationId });
    expect(conversation).toMatchObject({ joinedSeq: 3n, memberCount: 3, role: MemberRole.MEMBER });
    const added = (await fixture.events(conversationId))[2];
    expect(added).toMatchObject({
      seq: 3n,
      actorId: owner.id,
      change: { case: 'membersAdded', value: { members: [{ userId: joiner.id, role: MemberRole.MEMBER }] } },
    });
  });

  test('a repeat is no event, and those who were members already stay as they are', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [joiner] = (await fixture.users(1)) as [User];
    await owner.conversations.updateMemberRole({ conversationId, userId: rest[0]?.id ?? '', role: MemberRole.ADMIN });
    const request = { conversationId, userIds: [rest[0]?.id ?? '', joiner.id] };
    expect((await owner.conversations.addMembers(request)).members).toMatchObject([{ userId: joiner.id }]);
    fixture.accountsAway = true;
    expect((await owner.conversations.addMembers(request)).members).toEqual([]);
    expect(await changesOf(conversationId)).toHaveLength(3);
    const roles = (await membersOf(owner, conversationId)).map(({ role }) => role);
    expect(roles.toSorted((a, b) => a - b)).toEqual([MemberRole.MEMBER, MemberRole.ADMIN, MemberRole.OWNER]);
  });

  test('all or none: a user who does not exist is named, and nobody joins', async () => {
    const { conversationId, owner } = await groupOf(1);
    const userIds = [uuidv7(), fixture.unknownUser];
    expect(await refusalOf(owner.conversations.addMembers({ conversationId, userIds }))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'USER_NOT_FOUND',
      metadata: { user_id: fixture.unknownUser },
    });
    fixture.accountsAway = true;
    expect(await refusalOf(owner.conversations.addMembers({ conversationId, userIds: [uuidv7()] }))).toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await changesOf(conversationId)).toHaveLength(1);
  });

  test('S-59: 1,000 members are the most, however many add at once', async () => {
    const [owner] = (await fixture.users(1)) as [User];
    const value = { title: 'Full', memberIds: Array.from({ length: 949 }, () => uuidv7()) };
    const made = await owner.conversations.createConversation({ conversation: { case: 'group', value } });
    const conversationId = made.conversation?.conversationId ?? '';
    const thirty = () => ({ conversationId, userIds: Array.from({ length: 30 }, () => uuidv7()) });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => owner.conversations.addMembers(thirty())));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusalOf(owner.conversations.addMembers(thirty()))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'GROUP_FULL',
    });
    const last = { conversationId, userIds: Array.from({ length: 20 }, () => uuidv7()) };
    await owner.conversations.addMembers(last);
    const { conversation } = await owner.conversations.getConversation({ conversationId });
    expect(conversation?.memberCount).toBe(1_000);
    expect(await refusalOf(owner.conversations.addMembers({ conversationId, userIds: [uuidv7()] }))).toMatchObject({
      reason: 'GROUP_FULL',
    });
    // Who is in it already needs no room.
    expect((await owner.conversations.addMembers(last)).members).toEqual([]);
  });

  test('ids in upper case are the same conversation and the same user', async () => {
    const { conversationId, owner } = await groupOf(1);
    const [joiner] = (await fixture.users(1)) as [User];
    const shouted = { conversationId: conversationId.toUpperCase(), userIds: [joiner.id.toUpperCase(), joiner.id] };
    expect((await owner.conversations.addMembers(shouted)).members).toMatchObject([{ userId: joiner.id }]);
    const { rows } = await fixture.db.query('select shard from event where conversation_id = $1 group by 1', [
      conversationId,
    ]);
    expect(rows).toHaveLength(1);
    const event = (await fixture.events(conversationId))[1];
    expect(event).toMatchObject({ conversationId, change: { value: { members: [{ userId: joiner.id }] } } });
  });
});

describe('a stint', () => {
  test('S-12: ends with the event that removed the member; a new one shows nothing between', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [guest] = rest as [User];
    const first = await fixture.send(owner, conversationId, 'first stint');
    await owner.conversations.removeMember({ conversationId, userId: guest.id });
    const between = await fixture.send(owner, conversationId, 'between');
    const away = await guest.messages.listMessages({ conversationId });
    expect(away.messages).toHaveLength(1);
    // The removal, seq 3, is the last event of the stint.
    expect(away.throughSeq).toBe(3n);
    await owner.conversations.addMembers({ conversationId, userIds: [guest.id] });
    await fixture.send(owner, conversationId, 'second stint');
    expect(await textsFor(guest, conversationId)).toEqual(['first stint', 'second stint']);
    const get = (messageId: string) => guest.messages.getMessage({ conversationId, messageId });
    expect((await get(first.messageId)).message).toMatchObject({ seq: 2n, number: 1n, senderId: owner.id });
    const hidden = await refusalOf(get(between.messageId));
    expect(hidden).toMatchObject({ code: 'NOT_FOUND', reason: 'MESSAGE_NOT_FOUND' });
    expect(hidden).toEqual(await refusalOf(get(uuidv7())));
    const { rows } = await fixture.db.query(
      'select joined_seq, left_seq, joined_number from member where conversation_id = $1 and user_id = $2 order by 1',
      [conversationId, guest.id],
    );
    expect(rows).toEqual([
      { joined_seq: 1n, left_seq: 3n, joined_number: 0n },
      { joined_seq: 5n, left_seq: null, joined_number: 2n },
    ]);
  });

  test('the log tells a session of the removal as the last thing, and nothing after', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [guest] = rest as [User];
    const { heads } = await fixture.log.readHeads({});
    await owner.conversations.removeMember({ conversationId, userId: guest.id });
    await fixture.send(owner, conversationId, 'without you');
    const snapshot = await fixture.log.readSession({ userId: guest.id, afterPositions: heads, maxEvents: 100 });
    expect(snapshot.conversationIds).toEqual([]);
    expect(snapshot.records.map(({ seq }) => seq)).toEqual([2n]);
  });

  test('a message of another conversation is not found through this one', async () => {
    const { conversationId, owner } = await groupOf(1);
    const other = await fixture.group(owner, []);
    const { messageId } = await fixture.send(owner, other);
    expect(await refusalOf(owner.messages.getMessage({ conversationId, messageId }))).toMatchObject({
      reason: 'MESSAGE_NOT_FOUND',
    });
  });
});

describe('RemoveMember and LeaveConversation', () => {
  test('who is no member, and who has left already, answer OK without an event', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [guest] = rest as [User];
    await guest.conversations.leaveConversation({ conversationId });
    await guest.conversations.leaveConversation({ conversationId });
    await owner.conversations.removeMember({ conversationId, userId: guest.id });
    await owner.conversations.removeMember({ conversationId, userId: uuidv7() });
    expect(await changesOf(conversationId)).toEqual([
      ['conversationCreated', 1n],
      ['memberRemoved', 2n],
    ]);
    expect((await fixture.events(conversationId))[1]).toMatchObject({
      actorId: guest.id,
      change: { value: { userId: guest.id, newOwnerId: '' } },
    });
  });

  test('oneself is removed by leaving alone', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    for (const user of [owner, ...rest]) {
      const call = user.conversations.removeMember({ conversationId, userId: user.id.toUpperCase() });
      expect(await refusalOf(call)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'USE_LEAVE',
        fields: ['user_id'],
      });
    }
  });

  test('the last one to leave leaves an empty conversation, which nobody can enter any more', async () => {
    const { conversationId, owner } = await groupOf(1);
    await owner.conversations.leaveConversation({ conversationId });
    expect((await fixture.events(conversationId)).at(-1)).toMatchObject({
      change: { case: 'memberRemoved', value: { userId: owner.id, newOwnerId: '' } },
    });
    const again = owner.conversations.addMembers({ conversationId, userIds: [owner.id] });
    expect(await refusalOf(again)).toMatchObject({ reason: 'CONVERSATION_NOT_FOUND' });
  });
});

describe('ListLeftConversations', () => {
  const leftBy = async ({ conversations }: User, request: object = {}) => conversations.listLeftConversations(request);

  test('has each conversation in which a stint has ended, up to the end of the last one that has, also when one is in it again', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [leaver] = rest as [User];
    await fixture.send(owner, conversationId, 'first stint');
    await leaver.conversations.leaveConversation({ conversationId });
    await fixture.send(owner, conversationId, 'between');
    const first = (await leftBy(leaver)).conversations;
    expect(first).toMatchObject([{ conversationId, leftSeq: 3n }]);

    await owner.conversations.addMembers({ conversationId, userIds: [leaver.id] });
    expect((await leftBy(leaver)).conversations).toEqual(first);
    await fixture.send(owner, conversationId, 'second stint');
    await owner.conversations.removeMember({ conversationId, userId: leaver.id });
    await fixture.send(owner, conversationId, 'after');
    expect((await leftBy(leaver)).conversations).toMatchObject([{ conversationId, leftSeq: 7n }]);
    // All of both stints can be read, and what is read covers all up to there.
    const from = { case: 'afterSeq', value: 0n } as const;
    const page = await leaver.messages.listMessages({ conversationId, from });
    expect(page.messages.map(({ content }) => content.value)).toEqual(['first stint', 'second stint']);
    expect(page.throughSeq).toBe(7n);
  });

  test('pages hold each once, newest made first; bounds as in every list', async () => {
    const [owner, leaver] = (await fixture.users(2)) as [User, User];
    const made: string[] = [];
    for (let i = 0; i < 4; i++) {
      const conversationId = await fixture.group(owner, [leaver]);
      await fixture.group(owner, [leaver]);
      await leaver.conversations.leaveConversation({ conversationId });
      made.unshift(conversationId);
    }
    const found: string[] = [];
    let pageToken = '';
    do {
      const page = await leftBy(leaver, { pageSize: 2, pageToken });
      expect(page.conversations.length).toBeLessThanOrEqual(2);
      found.push(...page.conversations.map(({ conversationId }) => conversationId));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(found).toEqual(made);
    const refused = (request: object) => refusalOf(leftBy(leaver, request));
    expect(await refused({ pageToken: 'forged' })).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
      fields: ['page_token'],
    });
    for (const pageSize of [-1, 1_001])
      expect(await refused({ pageSize })).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['page_size'] });
  });
});

describe('ListMembers', () => {
  test('pages hold each present member once, in the order in which they joined', async () => {
    const { conversationId, owner, rest } = await groupOf(4);
    const [late, later] = (await fixture.users(2)) as [User, User];
    await owner.conversations.addMembers({ conversationId, userIds: [later.id] });
    await owner.conversations.addMembers({ conversationId, userIds: [late.id] });
    await owner.conversations.removeMember({ conversationId, userId: rest[0]?.id ?? '' });
    const found: string[] = [];
    let pageToken = '';
    do {
      const page = await owner.conversations.listMembers({ conversationId, pageSize: 2, pageToken });
      expect(page.members.length).toBeLessThanOrEqual(2);
      found.push(...page.members.map(({ userId }) => userId));
      pageToken = page.nextPageToken;
    } while (pageToken);
    const first = [owner, ...rest.slice(1)].map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));
    expect(found).toEqual([...first, later.id, late.id]);
  });

  test('S-09: a page token of no list and a page size out of bounds are refused by field', async () => {
    const { conversationId, owner } = await groupOf(1);
    const list = (request: object) => refusalOf(owner.conversations.listMembers({ conversationId, ...request }));
    expect(await list({ pageToken: 'forged' })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID', fields: ['page_token'] });
    for (const pageSize of [-1, 1_001]) {
      expect(await list({ pageSize })).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['page_size'] });
    }
  });
});

describe('at once', () => {
  test('ten removals and the leave of one member are one event', async () => {
    const { conversationId, owner, rest } = await groupOf(3);
    const [admin, guest] = rest as [User, User];
    await owner.conversations.updateMemberRole({ conversationId, userId: admin.id, role: MemberRole.ADMIN });
    const remove = (as: User) => as.conversations.removeMember({ conversationId, userId: guest.id });
    await Promise.all([
      ...Array.from({ length: 5 }, () => remove(owner)),
      ...Array.from({ length: 5 }, () => remove(admin)),
      guest.conversations.leaveConversation({ conversationId }),
    ]);
    const cases = (await changesOf(conversationId)).map(([name]) => name);
    expect(cases).toEqual(['conversationCreated', 'memberRoleChanged', 'memberRemoved']);
  });

  test('two who remove each other, one of them demoted meanwhile: one removal at most, by one who might', async () => {
    for (let round = 0; round < 10; round++) {
      const { conversationId, owner, rest } = await groupOf(2);
      const [other] = rest as [User];
      const id = { conversationId };
      // Handing over makes `other` the owner and `owner` an admin: whoever of the two comes first decides.
      await Promise.allSettled([
        owner.conversations.updateMemberRole({ ...id, userId: other.id, role: MemberRole.OWNER }),
        owner.conversations.removeMember({ ...id, userId: other.id }),
        other.conversations.removeMember({ ...id, userId: owner.id }),
      ]);
      const { rows } = await fixture.db.query<{ role: number }>(
        'select role from member where conversation_id = $1 and left_seq is null',
        [conversationId],
      );
      expect(rows.filter(({ role }) => role === MemberRole.OWNER)).toHaveLength(1);
      const removed = (await changesOf(conversationId)).filter(([name]) => name === 'memberRemoved');
      expect(removed.length).toBe(2 - rows.length);
    }
  });

  test('the owner leaves while members come, go and are promoted: there is one owner as long as there is a member', async () => {
    for (let round = 0; round < 5; round++) {
      const { conversationId, owner, rest } = await groupOf(4);
      const [a, b, c] = rest as [User, User, User];
      const [joiner] = (await fixture.users(1)) as [User];
      const id = { conversationId };
      await Promise.allSettled([
        a.conversations.leaveConversation(id),
        owner.conversations.updateMemberRole({ ...id, userId: b.id, role: MemberRole.OWNER }),
        owner.conversations.leaveConversation(id),
        owner.conversations.addMembers({ ...id, userIds: [joiner.id] }),
        b.conversations.leaveConversation(id),
        b.conversations.removeMember({ ...id, userId: owner.id }),
      ]);
      const { rows } = await fixture.db.query<{ user_id: string; role: number }>(
        'select user_id, role from member where conversation_id = $1 and left_seq is null',
        [conversationId],
      );
      expect(rows.map((row) => row.user_id)).toContain(c.id);
      expect(rows.filter(({ role }) => role === MemberRole.OWNER)).toHaveLength(1);
    }
  });

  test('an adding and a leave of the same user: the stints do not overlap, and the log tells what holds', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [guest] = rest as [User];
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        owner.conversations.addMembers({ conversationId, userIds: [guest.id] }),
        guest.conversations.leaveConversation({ conversationId }),
        owner.conversations.addMembers({ conversationId, userIds: [guest.id] }),
      ]);
    }
    const { rows } = await fixture.db.query<{ joined_seq: bigint; left_seq: bigint | null }>(
      'select joined_seq, left_seq from member where conversation_id = $1 and user_id = $2 order by joined_seq',
      [conversationId, guest.id],
    );
    rows.slice(1).forEach((stint, i) => {
      expect(rows[i]?.left_seq).not.toBeNull();
      expect(stint.joined_seq).toBeGreaterThan(rows[i]?.left_seq ?? 0n);
    });
    const told = (await fixture.events(conversationId)).flatMap(({ change, seq }): Record<string, bigint>[] => {
      if (change.case === 'membersAdded') return [{ joined: seq }];
      return change.case === 'memberRemoved' ? [{ left: seq }] : [];
    });
    const held = rows.flatMap(({ joined_seq, left_seq }): Record<string, bigint>[] => [
      ...(joined_seq === 1n ? [] : [{ joined: joined_seq }]),
      ...(left_seq === null ? [] : [{ left: left_seq }]),
    ]);
    expect(told).toEqual(held);
  });

  test('of many sends while their sender is removed, nothing is accepted beyond the removal', async () => {
    const { conversationId, owner, rest } = await groupOf(2);
    const [guest] = rest as [User];
    let accepted = 0;
    let removal: Promise<unknown> | undefined;
    const sendUntilRefused = async () => {
      for (let refused = 0; refused < 5; ) {
        const reason = await fixture.send(guest, conversationId).then(() => undefined, reasonOf);
        if (reason === undefined) accepted++;
        else expect(reason).toBe('CONVERSATION_NOT_FOUND');
        if (reason) refused++;
        if (accepted >= 100) removal ??= owner.conversations.removeMember({ conversationId, userId: guest.id });
      }
    };
    await Promise.all(Array.from({ length: 16 }, sendUntilRefused));
    await removal;
    const events = await fixture.events(conversationId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, i) => BigInt(i + 1)));
    expect(events.at(-1)?.change.case).toBe('memberRemoved');
    expect(events).toHaveLength(accepted + 2);
  });
});

describe('validation', () => {
  const many = Array.from({ length: 101 }, () => uuidv7());
  const twin = uuidv7();
  test.each<[string, string, (as: User, conversationId: string) => Promise<unknown>]>([
    ['nobody to add', 'user_ids', (as, conversationId) => as.conversations.addMembers({ conversationId, userIds: [] })],
    ['101 to add', 'user_ids', (as, conversationId) => as.conversations.addMembers({ conversationId, userIds: many })],
    [
      'one twice',
      'user_ids',
      (as, conversationId) => as.conversations.addMembers({ conversationId, userIds: [twin, twin] }),
    ],
    ['no id', 'user_ids[0]', (as, conversationId) => as.conversations.addMembers({ conversationId, userIds: ['x'] })],
    [
      'no conversation',
      'conversation_id',
      (as) => as.conversations.addMembers({ conversationId: 'x', userIds: [twin] }),
    ],
    ['no conversation', 'conversation_id', (as) => as.conversations.leaveConversation({})],
    ['no user', 'user_id', (as, conversationId) => as.conversations.removeMember({ conversationId, userId: '' })],
    ['no title', 'title', (as, conversationId) => as.conversations.updateConversation({ conversationId, title: '' })],
    [
      '129 characters',
      'title',
      (as, conversationId) => as.conversations.updateConversation({ conversationId, title: 'x'.repeat(129) }),
    ],
    [
      'a NUL',
      'title',
      (as, conversationId) => as.conversations.updateConversation({ conversationId, title: 'a\u0000' }),
    ],
    ['no role', 'role', (as, conversationId) => as.conversations.updateMemberRole({ conversationId, userId: twin })],
    [
      'a role of no kind',
      'role',
      (as, conversationId) =>
        as.conversations.updateMemberRole({ conversationId, userId: twin, role: 9 as MemberRole }),
    ],
    ['number 0', 'number', (as, conversationId) => as.messages.markRead({ conversationId, number: 0n })],
    ['number -1', 'number', (as, conversationId) => as.messages.markDelivered({ conversationId, number: -1n })],
    ['no message', 'message_id', (as, conversationId) => as.messages.getMessage({ conversationId, messageId: 'x' })],
  ])('%s is refused by the field %s', async (_what, field, call) => {
    const { conversationId, owner } = await groupOf(1);
    const refusal = await refusalOf(call(owner, conversationId));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields: [field] });
  });
});

async function reasonOf(error: unknown): Promise<string | undefined> {
  return (await refusalOf(Promise.reject(error))).reason;
}
