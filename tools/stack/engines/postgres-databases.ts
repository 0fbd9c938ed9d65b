import pg from 'pg';
import { type DatabaseName, databases } from '../secrets.ts';

/**
 * Makes the role and the database of each service, and sets its password; one service's role
 * can connect to no database but its own. Running it again is harmless.
 */
export async function ensureDatabases(
  superuserUrl: string,
  passwords: Readonly<Record<DatabaseName, string>>,
): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    for (const name of databases) {
      const password = passwords[name];
      const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
      if (known.rowCount === 0) await client.query(`CREATE ROLE ${name} LOGIN`);
      await client.query(`ALTER ROLE ${name} PASSWORD ${client.escapeLiteral(password)}`);
      const made = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (made.rowCount === 0) await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
      await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    }
    // Every role could connect to these two as well.
    await client.query('REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC');
  } finally {
    await client.end();
  }
}
