import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture?.stop());

test('CheckMembership knows members at present alone', async () => {
  const [owner, member, former, stranger] = (await fixture.users(4)) as [User, User, User, User];
  const conversationId = await fixture.group(owner, [member, former]);
  await owner.conversations.removeMember({ conversationId, userId: former.id });
  const memberships = createTestClient(MembershipService, fixture.service.ports.internal);
  const check = async (userId: string, id = conversationId) =>
    (await memberships.checkMembership({ userId, conversationId: id })).member;
  expect(await check(owner.id)).toBe(true);
  expect(await check(member.id)).toBe(true);
  expect(await check(former.id)).toBe(false);
  expect(await check(stranger.id)).toBe(false);
  expect(await check(owner.id, uuidv7())).toBe(false);
});

test('S-13: FindCompanions knows who is in a conversation with a user now, and nobody else', async () => {
  const [alice, bob, carol, dave, stranger] = (await fixture.users(5)) as [User, User, User, User, User];
  const group = await fixture.group(alice, [bob, carol]);
  await fixture.direct(alice, dave);
  const memberships = createTestClient(MembershipService, fixture.service.ports.internal);
  const everyone = [alice, bob, carol, dave, stranger].map(({ id }) => id);
  const companions = async (userId: string, maxDirectPeers = 200) => {
    const answer = await memberships.findCompanions({ userId, candidateIds: everyone, maxDirectPeers });
    return { of: answer.companionIds.toSorted(), direct: answer.directPeerIds };
  };
  expect(await companions(alice.id)).toEqual({
    of: [alice, bob, carol, dave].map(({ id }) => id).toSorted(),
    direct: [dave.id],
  });
  expect(await companions(bob.id)).toEqual({ of: [alice, bob, carol].map(({ id }) => id).toSorted(), direct: [] });
  expect(await companions(dave.id, 0)).toEqual({ of: [alice, dave].map(({ id }) => id).toSorted(), direct: [] });
  expect(await companions(stranger.id)).toEqual({ of: [stranger.id], direct: [] });

  await carol.conversations.leaveConversation({ conversationId: group });
  expect((await companions(alice.id)).of).not.toContain(carol.id);
  expect((await companions(carol.id)).of).toEqual([carol.id]);
});

test('the newest direct conversations come first, up to a bound', async () => {
  const [alice, ...peers] = (await fixture.users(4)) as [User, ...User[]];
  for (const peer of peers) await fixture.direct(peer, alice);
  const memberships = createTestClient(MembershipService, fixture.service.ports.internal);
  const { directPeerIds } = await memberships.findCompanions({ userId: alice.id, maxDirectPeers: 2 });
  expect(directPeerIds.toSorted()).toEqual(
    peers
      .slice(1)
      .map(({ id }) => id)
      .toSorted(),
  );
});
