import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { Fixture, User } from './messaging-fixture.ts';

/** Who a caller is to a conversation. Nobody is whoever calls without a token. */
export const CALLERS = ['owner', 'admin', 'member', 'exMember', 'stranger'] as const;
export type Caller = (typeof CALLERS)[number];

/**
 * A group with one of each. `target` is a member, `seen` a message that the ex-member was there for, `left` the seq of their leave.
 */
export type Stage = Record<Caller | 'target', User> & { conversationId: string; seen: string; left: bigint };

export async function setStage(fixture: Fixture): Promise<Stage> {
  const [owner, admin, member, exMember, stranger, target] = (await fixture.users(6)) as [
    User,
    User,
    User,
    User,
    User,
    User,
  ];
  const conversationId = await fixture.group(owner, [admin, member, exMember, target]);
  await owner.conversations.updateMemberRole({ conversationId, userId: admin.id, role: MemberRole.ADMIN });
  const { messageId: seen } = await fixture.send(owner, conversationId);
  await owner.conversations.removeMember({ conversationId, userId: exMember.id });
  const { conversation } = await owner.conversations.getConversation({ conversationId });
  const left = conversation?.lastSeq ?? 0n;
  return { owner, admin, member, exMember, stranger, target, conversationId, seen, left };
}
