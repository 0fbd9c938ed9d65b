import { type Pool, snapshot } from '@realchat/db';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';

/** Where a message stands, who publishes its shard, and what its user has said of it. */
export interface MessageFactsRow {
  conversation_id: string;
  seq: bigint;
  number: bigint;
  shard: number;
  position: bigint;
  create_time: Date;
  /** Null until a relay has ever had the shard. */
  published: bigint | null;
  owner: string | null;
  lease_until: Date | null;
  relay_alive: boolean;
  marked_delivered: boolean;
  marked_read: boolean;
}

/** One time that a user was a member; `left_seq` is null while it goes on. */
export interface StintRow {
  joined_seq: bigint;
  left_seq: bigint | null;
}

// What the message says is not read.
const FACTS = `
  select e.conversation_id, e.seq, e.number, e.shard, e.position, e.create_time, r.published, r.owner, r.lease_until,
    coalesce(r.lease_until > clock_timestamp(), false) as relay_alive,
    coalesce(p.delivered_number >= e.number, false) as marked_delivered,
    coalesce(p.read_number >= e.number, false) as marked_read
  from event e
  left join relay_shard r on r.shard = e.shard
  left join read_position p on p.conversation_id = e.conversation_id and p.user_id = $2
  where e.event_id = $1 and e.type = ${LogRecordType.MESSAGE_SENT}`;

/** A message by its id, with a user's stints in its conversation, of one moment; undefined when there is none. */
export function readMessageFacts(
  pool: Pool,
  query: { messageId: string; userId: string },
): Promise<{ message: MessageFactsRow; stints: StintRow[] } | undefined> {
  return snapshot(pool, async (client) => {
    const { rows } = await client.query<MessageFactsRow>(FACTS, [query.messageId, query.userId]);
    const [message] = rows;
    if (!message) return undefined;
    const stints = await client.query<StintRow>(
      'select joined_seq, left_seq from member where conversation_id = $1 and user_id = $2 order by joined_seq',
      [message.conversation_id, query.userId],
    );
    return { message, stints: stints.rows };
  });
}
