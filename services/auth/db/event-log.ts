import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { PoolClient } from '@realchat/db';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';

type Change = NonNullable<MessageInitShape<typeof AccountEventSchema>['change']>;

/** An account's next event, before it has its place. */
export interface NewAccountEvent {
  shard: number;
  userId: string;
  change: Change;
  traceparent: string;
}

/** Takes the shard's lock, which the transaction must hold before it reads anything that it decides by. */
export async function lockShard(client: PoolClient, shard: number): Promise<void> {
  const { rowCount } = await client.query('select 1 from shard where id = $1 for update', [shard]);
  if (rowCount !== 1) throw new Error(`shard ${shard} does not exist`);
}

/** Appends an event at the shard's next position; the caller holds the shard's lock. Returns its time, as Postgres writes it. */
export async function appendAccountEvent(client: PoolClient, event: NewAccountEvent): Promise<string> {
  const { userId, change } = event;
  const body = toBinary(AccountEventSchema, create(AccountEventSchema, { userId, change }));
  // The time is read under the lock, so that it grows with the position.
  const { rows } = await client.query<{ create_time: string }>(
    `with place as (update shard set head = head + 1 where id = $1 returning head)
     insert into account_event (shard, position, user_id, type, create_time, body, traceparent)
     select $1, head, $2, $3, clock_timestamp(), $4, $5 from place
     returning create_time::text`,
    [event.shard, userId, change.case, body, event.traceparent],
  );
  if (!rows[0]) throw new Error(`shard ${event.shard} does not exist`);
  return rows[0].create_time;
}
