import { randomBytes } from 'node:crypto';
import { createClient, type Migrations, migrate } from '@realchat/db';
import { inject } from 'vitest';

/**
 * Makes a fresh database on the shared Postgres, owned by a role of its own that can reach no other, and brings it to the
 * newest schema. Returns its address as that role.
 */
export async function createTestDatabase(migrations: Migrations): Promise<string> {
  const url = await createEmptyDatabase(inject('postgresUrl'));
  await migrate(url, migrations);
  return url;
}

/** As createTestDatabase, on any Postgres and without a schema. */
export async function createEmptyDatabase(superuserUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  const client = createClient({ url: superuserUrl, name: 'testkit' });
  await client.connect();
  try {
    await client.query(`create role ${name} login password '${password}'`);
    await client.query(`create database ${name} owner ${name}`);
    await client.query(`revoke all on database ${name} from public`);
  } finally {
    await client.end();
  }
  const url = new URL(superuserUrl);
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  return url.href;
}
