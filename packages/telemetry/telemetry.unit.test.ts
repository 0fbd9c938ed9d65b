import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = `
  import { createTelemetry } from '${new URL('telemetry.ts', import.meta.url).href}';
  const { log, metrics } = createTelemetry({ service: 'test', instance: 'test', level: 'info' });
  for (let i = 0; i < 200; i++) log.info({ filler: 'x'.repeat(10_000) }, 'a line');
  const { values } = await metrics.getSingleMetric('realchat_log_writes_failed_total').get();
  process.stderr.write(JSON.stringify({ failed: values[0].value }));
`;

test('a process whose log lines cannot be written lives on, and counts that', () => {
  const folder = mkdtempSync(join(tmpdir(), 'realchat-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log');
  writeFileSync(file, '');
  // Writes to what is open for reading alone are refused, as on a full disk.
  const output = openSync(file, 'r');
  onTestFinished(() => closeSync(output));
  const args = ['--input-type=module', '--eval', PROGRAM];
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', output, 'pipe'], encoding: 'utf8' });
  expect([status, readFileSync(file, 'utf8')]).toEqual([0, '']);
  expect(JSON.parse(stderr).failed).toBeGreaterThan(0);
});

test('lines reach standard output', () => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(200);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', service: 'test', message: 'a line' });
});
