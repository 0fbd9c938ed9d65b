import { createClient } from '@realchat/db';
import { databaseUrl } from '../../../tools/stack/engines/postgres.ts';
import type { Field } from './field.ts';

export type Query = (text: string) => Promise<Record<string, unknown>[]>;

/** Work in a database as Postgres' superuser, on one connection. */
export async function asSuperuser<T>(field: Field, database: string, work: (query: Query) => Promise<T>): Promise<T> {
  const { ports, secrets } = field.mesh.stack;
  const url = new URL(databaseUrl({ port: ports.postgres, passwords: secrets.postgres }, 'superuser'));
  url.pathname = `/${database}`;
  const client = createClient({ url: url.href, name: 'integrity' });
  await client.connect();
  try {
    return await work(async (text) => (await client.query<Record<string, unknown>>(text)).rows);
  } finally {
    await client.end();
  }
}
