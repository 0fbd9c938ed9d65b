import { type Kysely, sql } from 'kysely';

// What members do besides sending: they come and go, have roles, and read.
export async function up(db: Kysely<unknown>): Promise<void> {
  // What a stint began with and the newest message that its user has sent: both bound what is unread. A send updates its
  // sender's row, so pages keep room for that.
  await sql`
    alter table member
      add column joined_number bigint not null default 0,
      add column sent_number bigint not null default 0`.execute(db);
  await sql`alter table member set (fillfactor = 70)`.execute(db);
  await sql`
    update member m set joined_number = coalesce(
      (select max(e.number) from event e where e.conversation_id = m.conversation_id and e.seq < m.joined_seq), 0)
    where m.joined_seq > 1`.execute(db);

  // A message by its id. Ids are made in the order of time, so this index grows at its end.
  await sql`create index event_id on event (event_id)`.execute(db);
  // Who sent what is known of the messages whose keys are kept.
  await sql`
    update member m set sent_number = s.number
    from (select e.conversation_id, k.sender_id, max(e.number) as number
          from send_key k join event e on e.event_id = k.event_id group by 1, 2) s
    where m.conversation_id = s.conversation_id and m.user_id = s.sender_id`.execute(db);

  // How far a user has read and received, over all stints. `told_number` is what the newest event of it says, and
  // `told_time` when that was: what is beyond is due to be told.
  await sql`
    create table read_position (
      conversation_id uuid not null,
      user_id uuid not null,
      read_number bigint not null default 0,
      delivered_number bigint not null default 0,
      told_number bigint not null default 0,
      told_time timestamptz not null default 'epoch',
      traceparent text not null default '',
      primary key (conversation_id, user_id)
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)`.execute(db);
  await sql`create index read_position_due on read_position (told_time) where read_number > told_number`.execute(db);

  // The part of the log that is superseded: an event that takes a position and no seq, and goes once there is a newer one
  // of the same member and it is published. `after_seq` is the conversation's newest seq at the time: it tells whose stints
  // the event lies in.
  await sql`
    create table read_event (
      shard int not null,
      position bigint not null,
      conversation_id uuid not null,
      user_id uuid not null,
      number bigint not null,
      after_seq bigint not null,
      create_time timestamptz not null,
      traceparent text not null,
      primary key (shard, position)
    ) with (autovacuum_vacuum_scale_factor = 0.05)`.execute(db);
  await sql`create index read_event_of_member on read_event (conversation_id, user_id, position)`.execute(db);
}
