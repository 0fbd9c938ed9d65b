import { loadConfig } from '@realchat/config';
import { createPool } from '@realchat/db';
import { createTelemetry } from '@realchat/telemetry';
import { authSettings } from './config.ts';
import { keyTimes } from './domain/key-times.ts';
import { createSealer } from './domain/sealed-secret.ts';
import { runKeysCommand } from './tokens/keys-command.ts';

const { DATABASE_URL, SIGNING_KEY_SECRET, KEY_ROTATION_DAYS } = authSettings;
const config = loadConfig({ DATABASE_URL, SIGNING_KEY_SECRET, KEY_ROTATION_DAYS });
const { log } = createTelemetry({ service: 'auth-keys', instance: 'operator', level: 'error' });
const pool = createPool({ url: config.DATABASE_URL, size: 1, name: 'auth-keys', log });
try {
  const sealer = createSealer(config.SIGNING_KEY_SECRET);
  const times = keyTimes(config.KEY_ROTATION_DAYS);
  process.stdout.write(await runKeysCommand(process.argv.slice(2), { pool, sealer, times }));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await pool.end();
}
