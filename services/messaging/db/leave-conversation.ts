import type { Pool } from '@realchat/db';
import { type Refusal, refusalOf } from '../domain/group-rules.ts';
import { endMembership } from './end-membership.ts';
import { readGroup } from './group-rows.ts';
import { type Author, withShardLock } from './write-event.ts';

/** Ends the caller's own membership. Who has been a member and is none any more changes nothing. */
export function leaveConversation(pool: Pool, by: Author): Promise<{ changed: boolean } | Refusal> {
  return withShardLock(pool, by.conversationId, async (client) => {
    const group = await readGroup(client, by);
    if (group?.everMember && group.role === undefined) return { changed: false };
    const refusal = refusalOf('leave', group);
    if (refusal || group?.role === undefined) return refusal ?? 'CONVERSATION_NOT_FOUND';
    await endMembership(client, by, { userId: by.userId, role: group.role });
    return { changed: true };
  });
}
