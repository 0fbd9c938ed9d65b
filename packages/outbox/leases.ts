import type { Logger } from '@realchat/telemetry';
import type { Database } from './database.ts';
import { CHANNEL, encodeHint } from './hints.ts';
import type { RelayMetrics } from './metrics.ts';
import { shareOf } from './share.ts';

/** A shard that this relay publishes, for as long as its lease lasts. */
export interface OwnedShard {
  readonly shard: number;
  /** Raised by whoever takes the shard: what is written under an older one changes nothing. */
  readonly epoch: bigint;
  /** The event log has everything up to here. */
  acked: bigint;
  /** The table says so. */
  marked: bigint;
  /** When the lease ends, by `performance.now()`: earlier than by the database's clock, as it is counted from the request. */
  leaseEnds: number;
  /** In the send on the wire. */
  busy: boolean;
  /** To be given up as soon as it is not busy. */
  leaving: boolean;
}

/** Which shards are whose. All time is the database's. */
export interface Leases {
  readonly owned: ReadonlyMap<number, OwnedShard>;
  /** Says that this relay lives, renews its leases, gives up what is over its share and takes what is free of it. */
  tick(): Promise<void>;
  /** Writes down what the event log has. A shard whose epoch has passed is lost. */
  mark(): Promise<void>;
  /** Gives everything up. */
  release(): Promise<void>;
}

interface Options {
  database: Database;
  /** Unique among all relays that ever lived. */
  owner: string;
  source: { name: string; shards: number };
  leaseMs: number;
  log: Logger;
  metrics: RelayMetrics;
  /** A shard was taken. */
  onTaken: () => void;
}

const ALIVE = `insert into relay_member (owner, alive_until) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
  on conflict (owner) do update set alive_until = excluded.alive_until`;
const FORGET_THE_DEAD = `delete from relay_member where alive_until < clock_timestamp() - interval '1 minute'`;
const MEMBERS = 'select owner from relay_member where alive_until > clock_timestamp() order by owner';
const ADD_SHARDS = `insert into relay_shard (shard) select generate_series(0, $1::int - 1) on conflict do nothing`;
const RENEW = `update relay_shard r set lease_until = clock_timestamp() + $2 * interval '1 millisecond'
  from unnest($3::int[], $4::bigint[]) as mine (shard, epoch)
  where r.shard = mine.shard and r.epoch = mine.epoch and r.owner = $1 returning r.shard`;
const TAKE = `update relay_shard set owner = $1, epoch = epoch + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond'
  where shard in (
    select shard from relay_shard where shard < $3 and (owner is null or lease_until < clock_timestamp())
    order by shard limit $4 for update skip locked
  ) returning shard, epoch, published`;
// Waits for no disk: a mark that a crash loses is published again, and whatever was decided by it was written after it.
const MARK = `update relay_shard r set published = mine.position
  from (select set_config('synchronous_commit', 'off', true)) as no_wait,
    unnest($2::int[], $3::bigint[], $4::bigint[]) as mine (shard, epoch, position)
  where r.shard = mine.shard and r.epoch = mine.epoch and r.owner = $1 returning r.shard`;
const RELEASE = `update relay_shard r set owner = null, lease_until = null
  from unnest($2::int[], $3::bigint[]) as mine (shard, epoch)
  where r.shard = mine.shard and r.epoch = mine.epoch and r.owner = $1`;

export function createLeases(options: Options): Leases {
  const { database, owner, source, leaseMs, metrics } = options;
  const labels = { source: source.name };
  const owned = new Map<number, OwnedShard>();
  let shardsAdded = false;

  const count = (change: 'taken' | 'released' | 'lost', shards: number[]): void => {
    metrics.ownedShards.set(labels, owned.size);
    if (shards.length === 0) return;
    metrics.leaseChanges.inc({ ...labels, change }, shards.length);
    options.log.info({ shards, change }, 'shards changed hands');
  };

  /** Drops what a statement under our epochs did not find: somebody else has taken it. */
  const keepOnly = (asked: OwnedShard[], found: { shard: number }[]): void => {
    const ours = new Set(found.map(({ shard }) => shard));
    const lost = asked.filter((each) => !ours.has(each.shard) && owned.get(each.shard) === each);
    for (const { shard } of lost) owned.delete(shard);
    if (lost.length > 0)
      count(
        'lost',
        lost.map(({ shard }) => shard),
      );
  };

  const renew = async (): Promise<string[]> => {
    const client = await database.client();
    const mine = [...owned.values()];
    const leaseEnds = performance.now() + leaseMs;
    // In one round trip, and run in this order.
    const [, members, renewed] = await Promise.all([
      client.query({ name: 'relay-alive', text: ALIVE, values: [owner, leaseMs] }),
      client.query<{ owner: string }>({ name: 'relay-members', text: MEMBERS }),
      client.query<{ shard: number }>({
        name: 'relay-renew',
        text: RENEW,
        values: [owner, leaseMs, mine.map(({ shard }) => shard), mine.map(({ epoch }) => epoch)],
      }),
      client.query({ name: 'relay-forget', text: FORGET_THE_DEAD }),
    ]);
    keepOnly(mine, renewed.rows);
    for (const each of mine) each.leaseEnds = leaseEnds;
    return members.rows.map((row) => row.owner);
  };

  const take = async (limit: number): Promise<void> => {
    const client = await database.client();
    const leaseEnds = performance.now() + leaseMs;
    const { rows } = await client.query<{ shard: number; epoch: bigint; published: bigint }>({
      name: 'relay-take',
      text: TAKE,
      values: [owner, leaseMs, source.shards, limit],
    });
    for (const { shard, epoch, published } of rows) {
      owned.set(shard, { shard, epoch, acked: published, marked: published, leaseEnds, busy: false, leaving: false });
    }
    count(
      'taken',
      rows.map(({ shard }) => shard),
    );
    if (rows.length > 0) options.onTaken();
  };

  const giveUp = async (shards: OwnedShard[]): Promise<void> => {
    if (shards.length === 0) return;
    for (const { shard } of shards) owned.delete(shard);
    const client = await database.client();
    await client.query({
      name: 'relay-release',
      text: RELEASE,
      values: [owner, shards.map(({ shard }) => shard), shards.map(({ epoch }) => epoch)],
    });
    count(
      'released',
      shards.map(({ shard }) => shard),
    );
    await client.query('select pg_notify($1, $2)', [CHANNEL, encodeHint({ kind: 'free' })]);
  };

  const giveUpLeaving = (): Promise<void> =>
    giveUp([...owned.values()].filter(({ leaving, busy, acked, marked }) => leaving && !busy && acked === marked));

  return {
    owned,
    async tick() {
      if (!shardsAdded) {
        const client = await database.client();
        await client.query(ADD_SHARDS, [source.shards]);
        shardsAdded = true;
      }
      const share = shareOf(owner, await renew(), source.shards);
      const staying = [...owned.values()].filter(({ leaving }) => !leaving);
      for (const each of staying.slice(share)) each.leaving = true;
      await giveUpLeaving();
      if (owned.size < share) await take(share - owned.size);
    },
    async mark() {
      const ahead = [...owned.values()].filter(({ acked, marked }) => acked > marked);
      if (ahead.length > 0) {
        const positions = ahead.map(({ acked }) => acked);
        const client = await database.client();
        const { rows } = await client.query<{ shard: number }>({
          name: 'relay-mark',
          text: MARK,
          values: [owner, ahead.map(({ shard }) => shard), ahead.map(({ epoch }) => epoch), positions],
        });
        ahead.forEach((each, index) => {
          each.marked = positions[index] ?? each.marked;
        });
        keepOnly(ahead, rows);
      }
      await giveUpLeaving();
    },
    async release() {
      await giveUp([...owned.values()]);
      const client = await database.client();
      await client.query('delete from relay_member where owner = $1', [owner]);
    },
  };
}
