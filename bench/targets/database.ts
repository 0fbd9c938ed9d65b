import type { Stack } from '@realchat/stack';
import pg from 'pg';

/** The superuser's connection to a stack's Postgres, to look at it and to make tables. */
export async function connectDatabase(stack: Stack, database = 'postgres'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: superuserUrl(stack, database) });
  await client.connect();
  // A Postgres that goes first is no failure.
  client.on('error', () => {});
  return client;
}

export function superuserUrl({ ports, secrets }: Stack, database: string): string {
  return `postgres://postgres:${secrets.postgres.superuser}@127.0.0.1:${ports.postgres}/${database}`;
}

/** How much Postgres has written to its log so far, in bytes. */
export async function walBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as bytes`,
  );
  return Number(rows[0]?.bytes);
}

const SETTINGS = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'wal_level',
  'shared_buffers',
  'max_connections',
  'commit_delay',
];

/** The settings that decide how quick a Postgres is, and how durable. */
export async function databaseSettings(client: pg.Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select 'postgres ' || name as name, current_setting(name) as value from pg_settings where name = any($1) order by name`,
    [SETTINGS],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
