/** A bug that is built into a process of the mesh as it loads its modules; the product has no switch for it. */
export interface Bug {
  name: string;
  title: string;
  /** The services whose processes have it. */
  services: readonly ('messaging' | 'relay' | 'delivery' | 'operations')[];
  /** What is changed: each text must be in the file exactly once. */
  patches: readonly { file: string; from: string; to: string }[];
  /** The faults under which it shows; none: it shows under load alone. */
  faults: readonly string[];
  /** What has to be found broken: an invariant's id, or `duplicates` for the ceiling of a run without faults. */
  breaks: string;
}

/** Bugs that servers of this kind have had. A suite that stays green with one of them proves nothing. */
export const bugs: readonly Bug[] = [
  {
    name: 'cursor-past-lost-event',
    title: 'what was applied while a stream opened is not sent, and its cursor covers it',
    services: ['delivery'],
    patches: [
      {
        file: 'services/delivery/domain/open-session.ts',
        from: 'const applied = log.since(heads);',
        to: 'const applied = log.since(log.positions());',
      },
    ],
    faults: ['F-18'],
    breaks: 'I2',
  },
  {
    name: 'push-without-repair',
    title: 'what did not come through Kafka is not read from the log',
    services: ['delivery'],
    patches: [
      {
        file: 'services/delivery/log/repairer.ts',
        from: 'repair(shard: number): void {',
        to: 'repair(shard: number): void {\n    if (shard >= 0) return;',
      },
    ],
    faults: ['F-19'],
    breaks: 'I11',
  },
  {
    name: 'no-heads',
    title: 'nobody asks where the log ends, so that a lost last message is noticed by nobody',
    services: ['delivery'],
    patches: [
      {
        file: 'services/delivery/log/head-watch.ts',
        from: 'if (overdue > tail.position) tail.noteHead(overdue);',
        to: '',
      },
    ],
    faults: ['F-19'],
    breaks: 'I11',
  },
  {
    name: 'two-relays-on-a-shard',
    title: 'a relay takes shards that another one has, and neither looks at the lease',
    services: ['relay'],
    patches: [
      {
        file: 'packages/outbox/leases.ts',
        from: ' and (owner is null or lease_until < clock_timestamp())',
        to: '',
      },
      {
        file: 'packages/outbox/leases.ts',
        from: '  where r.shard = mine.shard and r.epoch = mine.epoch and r.owner = $1 returning r.shard`;\nconst TAKE',
        to: "  where r.shard = mine.shard and $1 <> '' returning r.shard`;\nconst TAKE",
      },
      {
        file: 'packages/outbox/leases.ts',
        from: '  where r.shard = mine.shard and r.epoch = mine.epoch and r.owner = $1 returning r.shard`;\nconst RELEASE',
        to: "  where r.shard = mine.shard and $1 <> '' returning r.shard`;\nconst RELEASE",
      },
      {
        file: 'packages/outbox/leases.ts',
        from: 'const share = shareOf(owner, await renew(), source.shards);',
        to: 'void shareOf(owner, await renew(), source.shards);\n      const share = source.shards;',
      },
    ],
    faults: [],
    breaks: 'duplicates',
  },
  {
    name: 'idempotency-elsewhere',
    title: 'the key of a message is looked up before the lock, and written where it hinders nobody',
    services: ['messaging'],
    patches: [
      {
        file: 'services/messaging/db/append-messages.ts',
        from: "'select 1 from shard where id = any($1::int[]) order by id for update'",
        to: "'select 1 from shard where id = any($1::int[])'",
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'select sender_id, device_id, client_message_id, request_hash, seq, number, event_id, now from placed)',
        to: 'select sender_id, device_id, client_message_id, request_hash, seq, number, event_id, now from placed on conflict do nothing)',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'select $3, $4, $5, $6, seq, number, $7, now from conversations, stamp)',
        to: 'select $3, $4, $5, $6, seq, number, $7, now from conversations, stamp on conflict do nothing)',
      },
    ],
    faults: ['F-10-locks'],
    breaks: 'I3',
  },
  {
    name: 'membership-before-lock',
    title: 'who may send is read before the lock is held',
    services: ['messaging'],
    patches: [
      {
        file: 'services/messaging/db/append-messages.ts',
        from: "'select 1 from shard where id = any($1::int[]) order by id for update'",
        to: "'select 1 from shard where id = any($1::int[])'",
      },
    ],
    faults: ['F-28'],
    breaks: 'I8',
  },
  {
    name: 'relay-after-last',
    title: 'a position is committed before its event, and the relay goes on after the last one that it found',
    services: ['messaging', 'relay'],
    patches: [
      {
        file: 'services/messaging/db/append-messages.ts',
        from: `events as (
  insert into event (shard, position, conversation_id, seq, number, type, event_id, create_time, body, traceparent)
  select shard, position, conversation_id, seq, number, 1, event_id, now, body, traceparent from placed),`,
        to: '',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'as micros from placed\nunion all',
        to: 'as micros, position from placed\nunion all',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'select ord, outcome, event_id, seq, number, (extract(epoch from create_time) * 1000000)::bigint from known',
        to: 'select ord, outcome, event_id, seq, number, (extract(epoch from create_time) * 1000000)::bigint, 0::bigint from known',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: `events as (
  insert into event (shard, position, conversation_id, seq, number, type, event_id, create_time, body, traceparent)
  select $1, position, $2, seq, number, 1, $7::uuid, now, $8::bytea, $9::text from conversations, stamp),`,
        to: '',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'as micros\nfrom conversations, stamp',
        to: 'as micros, position, $8::bytea as b, $9::text as t\nfrom conversations, stamp',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: 'select 1, outcome, event_id, seq, number, (extract(epoch from create_time) * 1000000)::bigint from known',
        to: 'select 1, outcome, event_id, seq, number, (extract(epoch from create_time) * 1000000)::bigint, 0::bigint, null, null from known',
      },
      {
        file: 'services/messaging/db/append-messages.ts',
        from: "if (commit.command !== 'COMMIT') throw new Error('the append was rolled back');",
        to: `if (commit.command !== 'COMMIT') throw new Error('the append was rolled back');
  await new Promise((resume) => setTimeout(resume, Math.random() * 20));
  await Promise.all(append.rows.filter((row) => row.outcome === 'stored').map((row: any) => {
    const draft = drafts[Number(row.ord) - 1]!;
    return client.query(
      "insert into event (shard, position, conversation_id, seq, number, type, event_id, create_time, body, traceparent) " +
        "values ($1, $2, $3, $4, $5, 1, $6, to_timestamp($7::bigint / 1000000.0), $8, $9)",
      [draft.shard, row.position, draft.conversationId, row.seq, row.number, row.event_id, row.micros, draft.body, draft.traceparent],
    );
  }));`,
      },
      {
        file: 'packages/outbox/batch.ts',
        from: 'if (row.position !== shard.acked + BigInt(run.rows.length) + 1n) break;',
        to: '',
      },
      {
        file: 'packages/outbox/batch.ts',
        from: ' else if (rows[0]?.position !== shard.acked + 1n) batch.holes.push(shard);',
        to: '',
      },
      {
        file: 'packages/outbox/relay.ts',
        from: 'shard.acked += BigInt(rows.length);',
        to: 'shard.acked = rows.at(-1)?.position ?? shard.acked;',
      },
    ],
    faults: [],
    breaks: 'I13',
  },
  {
    name: 'effect-after-commit',
    title: 'a consumer commits its offset before the effect of the record is there',
    services: ['operations'],
    patches: [
      {
        file: 'packages/eventlog/consume.ts',
        from: 'const failure = await handleChunk(partition, chunk, lease);',
        to: `progress.done(chunk.at(-1)?.offset ?? payload.batch.lastOffset());
        await progress.commit();
        const failure = await handleChunk(partition, chunk, lease);`,
      },
    ],
    faults: ['F-14-kill'],
    breaks: 'I13',
  },
];

/** Throws when there is none of that name. */
export function bugOf(name: string): Bug {
  const bug = bugs.find((each) => each.name === name);
  if (!bug) throw new Error(`there is no bug ${name}; there are ${bugs.map((each) => each.name).join(', ')}`);
  return bug;
}

/** The file's text with the bug in it. Throws when the bug does not fit the file any more. */
export function withBug({ name, patches }: Bug, file: string, source: string): string {
  return patches
    .filter((patch) => patch.file === file)
    .reduce((text, { from, to }) => {
      if (text.split(from).length !== 2) throw new Error(`the bug ${name} does not fit ${file} any more`);
      return text.replace(from, () => to);
    }, source);
}
