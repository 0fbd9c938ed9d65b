import type { Pool } from '@realchat/db';
import type { ActivityPlace } from '../domain/page-token.ts';

/** What went on in a conversation on a day. */
export interface Activity {
  conversationId: string;
  messages: bigint;
  activeMembers: number;
}

/** The conversations of a day, the busiest first, behind a place when one is given. */
export async function listActivity(
  pool: Pool,
  { day, after, limit }: { day: string; after: ActivityPlace | undefined; limit: number },
): Promise<Activity[]> {
  const { rows } = await pool.query<{ conversation_id: string; messages: bigint; active_members: number }>(
    `select a.conversation_id, a.messages,
       (select count(*)::int from activity_member m where m.day = a.day and m.conversation_id = a.conversation_id) as active_members
     from activity a
     where day = $1::date
       and ($2::bigint is null or messages < $2 or (messages = $2 and conversation_id > $3::uuid))
     order by messages desc, conversation_id limit $4`,
    [day, after?.messages, after?.conversationId, limit],
  );
  return rows.map((row) => ({
    conversationId: row.conversation_id,
    messages: row.messages,
    activeMembers: row.active_members,
  }));
}
