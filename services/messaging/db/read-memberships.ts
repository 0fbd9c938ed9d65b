import type { Pool } from '@realchat/db';

/** Whether a user is a member of a conversation at present. */
export async function isPresent(pool: Pool, userId: string, conversationId: string): Promise<boolean> {
  const result = await pool.query({
    name: 'is-present',
    text: 'select 1 from member where conversation_id = $1 and user_id = $2 and left_seq is null',
    values: [conversationId, userId],
  });
  return result.rows.length > 0;
}
