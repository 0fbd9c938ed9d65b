import { loadConfig } from '@realchat/config';
import { createTelemetry } from '@realchat/telemetry';
import { Kysely, PostgresDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { createPool } from './connection.ts';
import { databaseSettings } from './settings.ts';

/** A service's migrations by dated name; they run in the order of their names. */
export type Migrations = Record<string, Migration>;

/** Brings a database to the newest schema. Safe to run from several processes at once. Returns the names that ran. */
export async function migrate(url: string, migrations: Migrations): Promise<string[]> {
  const { log } = createTelemetry({ service: 'migrate', instance: String(process.pid), level: 'warn' });
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: createPool({ url, size: 2, name: 'migrate', log }) }),
  });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error, results } = await migrator.migrateToLatest();
    if (error) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

/** The body of a service's `db/migrate-main.ts`. */
export async function runMigrations(migrations: Migrations): Promise<void> {
  const config = loadConfig({ DATABASE_URL: databaseSettings.DATABASE_URL });
  const applied = await migrate(config.DATABASE_URL, migrations);
  process.stdout.write(applied.length ? `migrated: ${applied.join(', ')}\n` : 'the schema is up to date\n');
}
