import { runMigrations } from '@realchat/db';
import { migrations } from './migrations/index.ts';

await runMigrations(migrations);
