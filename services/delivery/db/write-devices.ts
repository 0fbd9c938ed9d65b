import type { Pool } from '@realchat/db';
import type { DeviceNote } from '../domain/device-notes.ts';

// Rows in the order of their key, so that two nodes that write the same devices wait for each other and never crosswise.
const WRITE = `
  insert into device as d (user_id, device_id, epoch_tag, positions, acknowledge_time, last_seen_time)
  select n.user_id, n.device_id, decode(n.epoch_tag, 'hex'), n.positions,
         to_timestamp(n.acknowledged_ms / 1000.0), to_timestamp(n.seen_ms / 1000.0)
  from json_to_recordset($1) as n
    (user_id uuid, device_id text, epoch_tag text, positions bigint[], acknowledged_ms float8, seen_ms float8)
  order by n.user_id, n.device_id
  on conflict (user_id, device_id) do update set
    positions = case
      when excluded.positions is null then d.positions
      when d.epoch_tag is distinct from excluded.epoch_tag then excluded.positions
      else (select array_agg(greatest(p.kept, p.given) order by p.shard)
            from unnest(d.positions, excluded.positions) with ordinality as p (kept, given, shard)) end,
    epoch_tag = coalesce(excluded.epoch_tag, d.epoch_tag),
    acknowledge_time = greatest(d.acknowledge_time, excluded.acknowledge_time),
    last_seen_time = greatest(d.last_seen_time, excluded.last_seen_time)`;

/** Writes what is noted of devices, each once: positions only grow, within one log. */
export async function writeDevices(pool: Pool, notes: readonly DeviceNote[]): Promise<void> {
  const rows = notes.map(({ userId, deviceId, place, acknowledgedAt, seenAt }) => ({
    user_id: userId,
    device_id: deviceId,
    epoch_tag: place ? Buffer.from(place.epochTag).toString('hex') : null,
    positions: place?.positions ?? null,
    acknowledged_ms: place ? acknowledgedAt : null,
    seen_ms: seenAt,
  }));
  await pool.query({ name: 'write-devices', text: WRITE, values: [JSON.stringify(rows)] });
}
