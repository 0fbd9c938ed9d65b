import type { PoolClient } from '@realchat/db';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { heirAmong } from '../domain/group-rules.ts';
import { closeStint, readOthers, writeRole } from './group-rows.ts';
import { type Author, writeEvent } from './write-event.ts';

/**
 * Ends a present member's stint under the shard's lock, with the event that tells of it as the last one they see. An owner
 * leaves the group to an heir.
 */
export async function endMembership(
  client: PoolClient,
  by: Author,
  member: { userId: string; role: MemberRole },
): Promise<void> {
  const { conversationId } = by;
  const heir =
    member.role === MemberRole.OWNER ? heirAmong(await readOthers(client, conversationId, member.userId)) : undefined;
  const leftSeq = await writeEvent(client, {
    by,
    type: LogRecordType.MEMBER_REMOVED,
    change: { case: 'memberRemoved', value: { userId: member.userId, newOwnerId: heir ?? '' } },
  });
  await closeStint(client, conversationId, member.userId, leftSeq);
  if (heir) await writeRole(client, conversationId, heir, MemberRole.OWNER);
}
