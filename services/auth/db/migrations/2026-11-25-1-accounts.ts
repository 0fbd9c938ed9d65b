import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table account (
      user_id uuid primary key,
      username text collate "C" not null,
      password_hash text not null,
      shard int not null,
      create_time timestamptz not null,
      constraint account_username unique (username)
    )`.execute(db);

  // One row per session, whatever it is refreshed: the token in force and the one before it, as SHA-256. Updated by every
  // refresh, so pages keep room for it.
  await sql`
    create table session (
      session_id uuid primary key,
      user_id uuid not null references account,
      device_id text not null,
      token_hash bytea not null,
      parent_hash bytea,
      refresh_time timestamptz not null,
      create_time timestamptz not null,
      end_time timestamptz,
      end_reason smallint
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index session_of_user on session (user_id) where end_time is null`.execute(db);

  await sql`
    create table signing_key (
      key_id text primary key,
      public_jwk jsonb not null,
      sealed_private_jwk bytea not null,
      create_time timestamptz not null default now(),
      sign_from timestamptz not null,
      publish_until timestamptz
    )`.execute(db);
  await sql`comment on column signing_key.sign_from is
    'Of the keys whose time has come, the newest signs. A key is published before it, so that every verifier has it by then.'`.execute(
    db,
  );
}
