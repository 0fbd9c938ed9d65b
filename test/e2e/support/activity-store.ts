import { createClient } from '@realchat/db';
import { until } from '@realchat/testkit';
import type { Mesh } from './mesh.ts';

/** What the consumer of operations counted in a conversation on a day in UTC. */
export interface CountedActivity {
  day: string;
  conversation: string;
  messages: number;
  senders: number;
}

/** Waits until so many messages are counted, and no longer than the deadline in milliseconds. Answers what is counted then. */
export async function whenCounted({ stack }: Mesh, messages: number, deadlineMs: number): Promise<CountedActivity[]> {
  const client = createClient({ url: stack.environment('operations').DATABASE_URL ?? '', name: 'e2e' });
  await client.connect();
  const read = async () => {
    const { rows } = await client.query<CountedActivity>(
      `select to_char(day, 'YYYY-MM-DD') as day, conversation_id as conversation, messages::int as messages,
         (select count(*)::int from activity_member m where m.day = a.day and m.conversation_id = a.conversation_id) as senders
       from activity a order by 1, 2`,
    );
    return rows;
  };
  try {
    const all = async () => (await read()).reduce((sum, row) => sum + row.messages, 0) >= messages;
    await until('every message is counted', all, deadlineMs).catch(() => {
      // Whoever compares tells better what is missing.
    });
    return await read();
  } finally {
    await client.end();
  }
}
