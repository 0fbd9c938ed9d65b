import type { Pool } from '@realchat/db';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import { type Refusal, refusalOf } from '../domain/group-rules.ts';
import { readGroup } from './group-rows.ts';
import { type Author, withShardLock, writeEvent } from './write-event.ts';

/** Gives a group another title. The title that it has already is no change. */
export function updateConversation(pool: Pool, by: Author, title: string): Promise<{ changed: boolean } | Refusal> {
  return withShardLock(pool, by.conversationId, async (client) => {
    const group = await readGroup(client, by);
    const refusal = refusalOf('update', group);
    if (refusal) return refusal;
    if (group?.title === title) return { changed: false };
    await writeEvent(client, {
      by,
      type: LogRecordType.CONVERSATION_UPDATED,
      change: { case: 'conversationUpdated', value: { title } },
    });
    await client.query('update conversation set title = $2 where id = $1', [by.conversationId, title]);
    return { changed: true };
  });
}
