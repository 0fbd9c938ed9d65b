import { loadConfig } from '@realchat/config';
import { createPool } from '@realchat/db';
import { createTelemetry } from '@realchat/telemetry';
import { runAuditCommand } from './audit-command.ts';
import { messagingSettings } from './config.ts';

const { DATABASE_URL } = loadConfig({ DATABASE_URL: messagingSettings.DATABASE_URL });
const { log } = createTelemetry({ service: 'messaging-audit', instance: 'operator', level: 'error' });
const pool = createPool({ url: DATABASE_URL, size: 1, name: 'messaging-audit', log });
try {
  const { text, discrepancies } = await runAuditCommand(process.argv.slice(2), pool);
  process.stdout.write(text);
  if (discrepancies > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  await pool.end();
}
