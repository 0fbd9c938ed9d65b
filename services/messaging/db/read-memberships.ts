import type { Pool } from '@realchat/db';
import { ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';

/** Whether a user is a member of a conversation at present. */
export async function isPresent(pool: Pool, userId: string, conversationId: string): Promise<boolean> {
  const result = await pool.query({
    name: 'is-present',
    text: 'select 1 from member where conversation_id = $1 and user_id = $2 and left_seq is null',
    values: [conversationId, userId],
  });
  return result.rows.length > 0;
}

/** Those of the candidates who are in a conversation with the user at present; the user too, if asked about. */
export async function readCompanions(pool: Pool, userId: string, candidateIds: string[]): Promise<string[]> {
  const result = await pool.query<{ user_id: string }>({
    name: 'read-companions',
    text: `select c.user_id from unnest($2::uuid[]) as c (user_id)
      where c.user_id = $1 or exists (
        select 1 from member theirs join member mine on mine.conversation_id = theirs.conversation_id
        where theirs.user_id = c.user_id and theirs.left_seq is null and mine.user_id = $1 and mine.left_seq is null)`,
    values: [userId, candidateIds],
  });
  return result.rows.map((row) => row.user_id);
}

/** The other sides of a user's direct conversations, of the newest `limit`. */
export async function readDirectPeers(pool: Pool, userId: string, limit: number): Promise<string[]> {
  const result = await pool.query<{ user_id: string }>({
    name: 'read-direct-peers',
    text: `select p.user_id
      from (select c.id from member m join conversation c on c.id = m.conversation_id
            where m.user_id = $1 and m.left_seq is null and c.kind = $2 order by c.id desc limit $3) d
      join member p on p.conversation_id = d.id and p.user_id <> $1 and p.left_seq is null`,
    values: [userId, ConversationKind.DIRECT, limit],
  });
  return result.rows.map((row) => row.user_id);
}
