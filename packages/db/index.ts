export type { Client, Pool, PoolClient } from 'pg';
export { createClient, createPool } from './connection.ts';
export { isDatabaseUnavailable, isUniqueViolation } from './errors.ts';
export { type Migrations, migrate, runMigrations } from './migrate.ts';
export { databaseSettings } from './settings.ts';
export { snapshot, transaction } from './transaction.ts';
