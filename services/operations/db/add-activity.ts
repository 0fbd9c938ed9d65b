import { type Pool, type PoolClient, transaction } from '@realchat/db';
import { type Counted, count } from '../domain/counted.ts';

/** An event that takes a seq. */
export interface SaidEvent {
  conversationId: string;
  seq: bigint;
  /** Who sent the message; undefined when it is none. */
  sender: string | undefined;
  /** The day of the message in UTC, `YYYY-MM-DD`. */
  day: string;
}

/** Counts what is not counted yet, all of it or nothing. Answers how many events that was. */
export async function addActivity(pool: Pool, events: readonly SaidEvent[]): Promise<number> {
  return transaction(pool, async (db) => {
    const counted = await lockCounted(db, [...new Set(events.map(({ conversationId }) => conversationId))].toSorted());
    const fresh = events.filter((event) => {
      const next = count(counted.get(event.conversationId) ?? NOTHING, event.seq);
      if (next) counted.set(event.conversationId, next);
      return next !== undefined;
    });
    if (fresh.length === 0) return 0;
    const changed = new Set(fresh.map(({ conversationId }) => conversationId));
    await writeCounted(db, new Map([...counted].filter(([id]) => changed.has(id))));
    const said = fresh.filter(({ sender }) => sender !== undefined);
    if (said.length > 0) await writeSaid(db, said);
    return fresh.length;
  });
}

const NOTHING: Counted = { seq: 0n, gaps: [] };

/** In the order of their ids, so that two readers never wait for each other. */
async function lockCounted(db: PoolClient, ids: readonly string[]): Promise<Map<string, Counted>> {
  await db.query(
    `insert into activity_counted (conversation_id, seq) select id, 0 from unnest($1::uuid[]) id order by id
     on conflict do nothing`,
    [ids],
  );
  const { rows } = await db.query<{ conversation_id: string; seq: bigint; gaps: string }>(
    `select conversation_id, seq, gaps::text as gaps from activity_counted where conversation_id = any($1::uuid[])
     order by conversation_id for update`,
    [ids],
  );
  return new Map(rows.map((row) => [row.conversation_id, { seq: row.seq, gaps: toGaps(row.gaps) }]));
}

async function writeCounted(db: PoolClient, counted: ReadonlyMap<string, Counted>): Promise<void> {
  const values = [...counted.values()];
  await db.query(
    `update activity_counted a set seq = n.seq, gaps = n.gaps::int8multirange
     from unnest($1::uuid[], $2::bigint[], $3::text[]) n(id, seq, gaps) where a.conversation_id = n.id`,
    [[...counted.keys()], values.map(({ seq }) => seq), values.map(({ gaps }) => fromGaps(gaps))],
  );
}

async function writeSaid(db: PoolClient, said: readonly SaidEvent[]): Promise<void> {
  const values = [
    said.map(({ day }) => day),
    said.map((event) => event.conversationId),
    said.map(({ sender }) => sender),
  ];
  await db.query(
    `insert into activity (day, conversation_id, messages)
     select day, id, count(*) from unnest($1::date[], $2::uuid[]) e(day, id) group by day, id
     on conflict (day, conversation_id) do update set messages = activity.messages + excluded.messages`,
    values.slice(0, 2),
  );
  await db.query(
    `insert into activity_member (day, conversation_id, user_id)
     select distinct * from unnest($1::date[], $2::uuid[], $3::uuid[]) on conflict do nothing`,
    values,
  );
}

/** As Postgres writes ranges of whole numbers: `{[3,5),[8,9)}`. */
function toGaps(text: string): Counted['gaps'] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from = '0', end = '0']) => ({
    from: BigInt(from),
    to: BigInt(end) - 1n,
  }));
}

function fromGaps(gaps: Counted['gaps']): string {
  return `{${gaps.map(({ from, to }) => `[${from},${to}]`).join(',')}}`;
}
