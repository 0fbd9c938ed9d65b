import { loadConfig } from '@realchat/config';
import { ensureDatabases } from '../stack/engines/postgres-databases.ts';
import { databasesSettings } from './config.ts';

const config = loadConfig(databasesSettings);
await ensureDatabases(config.SUPERUSER_DATABASE_URL, {
  auth: config.AUTH_DATABASE_PASSWORD,
  profile: config.PROFILE_DATABASE_PASSWORD,
  messaging: config.MESSAGING_DATABASE_PASSWORD,
  delivery: config.DELIVERY_DATABASE_PASSWORD,
  operations: config.OPERATIONS_DATABASE_PASSWORD,
});
process.stdout.write('the databases and their roles are there\n');
