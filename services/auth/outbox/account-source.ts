import type { Client } from '@realchat/db';
import type { OutboxRow, OutboxSource } from '@realchat/outbox';
import { ACCOUNT_SHARDS } from '../domain/account-shard.ts';
import { toAccountRecord } from './account-record.ts';

interface Row {
  position: bigint;
  user_id: string;
  type: string;
  create_time_micros: bigint;
  body: Buffer;
  traceparent: string;
}

/** The log of account events, as the relay reads it. */
export const accountSource: OutboxSource = {
  name: 'account-events',
  shards: ACCOUNT_SHARDS,

  async readHeads(client: Client): Promise<bigint[]> {
    const { rows } = await client.query<{ head: bigint }>({
      name: 'account-heads',
      text: 'select head from shard order by id',
    });
    return rows.map(({ head }) => head);
  },

  async readAfter(client: Client, shard: number, position: bigint, limit: number): Promise<OutboxRow[]> {
    const { rows } = await client.query<Row>({
      name: 'account-events-after',
      text: `select position, user_id, type, (extract(epoch from create_time) * 1000000)::bigint as create_time_micros, body, traceparent
             from account_event where shard = $1 and position > $2 order by position limit $3`,
      values: [shard, position, limit],
    });
    return rows.map((row) => ({
      position: row.position,
      createTimeMs: Number(row.create_time_micros / 1_000n),
      record: toAccountRecord({
        shard,
        position: row.position,
        userId: row.user_id,
        type: row.type,
        createTimeMicros: row.create_time_micros,
        body: row.body,
        traceparent: row.traceparent,
      }),
    }));
  },
};
