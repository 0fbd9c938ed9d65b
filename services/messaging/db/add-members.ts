import type { Pool } from '@realchat/db';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MAX_MEMBERS, type Refusal, refusalOf } from '../domain/group-rules.ts';
import { countMembers, openStints, readGroup, withoutMembers } from './group-rows.ts';
import { type Author, withShardLock, writeEvent } from './write-event.ts';

/** Adds users to a group, all or none, and returns those who were no members. */
export function addMembers(pool: Pool, by: Author, userIds: string[]): Promise<{ added: string[] } | Refusal> {
  const { conversationId } = by;
  return withShardLock(pool, conversationId, async (client) => {
    const group = await readGroup(client, by);
    const refusal = refusalOf('add', group);
    if (refusal || !group) return refusal ?? 'CONVERSATION_NOT_FOUND';
    const added = await withoutMembers(client, conversationId, userIds);
    if (added.length === 0) return { added };
    if ((await countMembers(client, conversationId)) + added.length > MAX_MEMBERS) return 'GROUP_FULL';
    const members = added.map((userId) => ({ userId, role: MemberRole.MEMBER }));
    const joinedSeq = await writeEvent(client, {
      by,
      type: LogRecordType.MEMBERS_ADDED,
      change: { case: 'membersAdded', value: { members } },
    });
    await openStints(client, { conversationId, joinedSeq, joinedNumber: group.lastNumber }, members);
    return { added };
  });
}

/**
 * What adding would come to if it were tried now: the users who would join, of whom auth is then asked. The transaction
 * decides again.
 */
export async function previewAdding(
  pool: Pool,
  by: Author,
  userIds: string[],
): Promise<{ joining: string[] } | Refusal> {
  const refusal = refusalOf('add', await readGroup(pool, by));
  return refusal ?? { joining: await withoutMembers(pool, by.conversationId, userIds) };
}
