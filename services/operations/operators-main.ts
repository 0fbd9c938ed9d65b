import { hostname, userInfo } from 'node:os';
import { loadConfig } from '@realchat/config';
import { createPool } from '@realchat/db';
import { createTelemetry } from '@realchat/telemetry';
import { operationsSettings } from './config.ts';
import { runOperatorsCommand } from './operators-command.ts';

const { DATABASE_URL } = loadConfig({ DATABASE_URL: operationsSettings.DATABASE_URL });
const { log } = createTelemetry({ service: 'operations-operators', instance: 'operator', level: 'error' });
const pool = createPool({ url: DATABASE_URL, size: 1, name: 'operations-operators', log });
try {
  process.stdout.write(await runOperatorsCommand(process.argv.slice(2), pool, whoRunsThis()));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await pool.end();
}

/** In words, for the audit. */
function whoRunsThis(): string {
  return `run by ${osUser()} on ${hostname()}`;
}

function osUser(): string {
  try {
    return `the OS user ${userInfo().username}`;
  } catch {
    // In a container a number may have no name.
    return `the OS user ${process.getuid?.() ?? 'unknown'}`;
  }
}
