import type { Pool } from '@realchat/db';
import { mayRemove, type Refusal, refusalOf } from '../domain/group-rules.ts';
import { endMembership } from './end-membership.ts';
import { readGroup, readRole } from './group-rows.ts';
import { type Author, withShardLock } from './write-event.ts';

/** Removes another member from a group. Who is no member is no change. */
export function removeMember(pool: Pool, by: Author, userId: string): Promise<{ changed: boolean } | Refusal> {
  return withShardLock(pool, by.conversationId, async (client) => {
    const group = await readGroup(client, by);
    const refusal = refusalOf('remove', group);
    if (refusal || group?.role === undefined) return refusal ?? 'CONVERSATION_NOT_FOUND';
    const role = await readRole(client, by.conversationId, userId);
    if (role === undefined) return { changed: false };
    if (!mayRemove(group.role, role)) return 'ROLE_REQUIRED';
    await endMembership(client, by, { userId, role });
    return { changed: true };
  });
}
