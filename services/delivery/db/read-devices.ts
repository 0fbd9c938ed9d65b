import type { Pool } from '@realchat/db';

/** How far a device has come in one shard of one log. */
export interface DeviceRow {
  device_id: string;
  /** 0: nothing of this log. */
  acknowledged: bigint;
  acknowledge_time: Date | null;
  last_seen_time: Date;
}

/** The devices of a user, the one that was here last first. A page of them is all that anyone has. */
export async function readDevices(
  pool: Pool,
  query: { userId: string; shard: number; epochTag: Uint8Array },
): Promise<DeviceRow[]> {
  const result = await pool.query<DeviceRow>({
    name: 'read-devices',
    text: `select device_id, case when epoch_tag = $3 then coalesce(positions[$2::int + 1], 0) else 0 end as acknowledged,
        acknowledge_time, last_seen_time
      from device where user_id = $1 order by last_seen_time desc limit 100`,
    values: [query.userId, query.shard, query.epochTag],
  });
  return result.rows;
}
