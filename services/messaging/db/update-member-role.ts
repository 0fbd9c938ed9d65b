import type { Pool } from '@realchat/db';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { type Refusal, refusalOf, roleChange } from '../domain/group-rules.ts';
import { readGroup, readRole, writeRole } from './group-rows.ts';
import { type Author, withShardLock, writeEvent } from './write-event.ts';

/** Gives a member another role; making one the owner makes the owner an admin. The role that holds already is no change. */
export function updateMemberRole(
  pool: Pool,
  by: Author,
  wish: { userId: string; role: MemberRole },
): Promise<{ changed: boolean } | Refusal> {
  const { conversationId } = by;
  return withShardLock(pool, conversationId, async (client) => {
    const group = await readGroup(client, by);
    const refusal = refusalOf('change-role', group);
    if (refusal || group?.role === undefined) return refusal ?? 'CONVERSATION_NOT_FOUND';
    const decision = roleChange({
      caller: group.role,
      self: wish.userId === by.userId,
      target: await readRole(client, conversationId, wish.userId),
      wanted: wish.role,
    });
    if (decision === 'unchanged') return { changed: false };
    if (decision !== 'change' && decision !== 'hand-over') return decision;
    const formerOwnerId = decision === 'hand-over' ? by.userId : '';
    await writeEvent(client, {
      by,
      type: LogRecordType.MEMBER_ROLE_CHANGED,
      change: { case: 'memberRoleChanged', value: { member: wish, formerOwnerId } },
    });
    await writeRole(client, conversationId, wish.userId, wish.role);
    if (formerOwnerId) await writeRole(client, conversationId, formerOwnerId, MemberRole.ADMIN);
    return { changed: true };
  });
}
