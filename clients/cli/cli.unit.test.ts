import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { fileStore, withoutOutbox } from './file-store.ts';
import { printable } from './output.ts';

const folder = mkdtempSync(join(tmpdir(), 'realchat-cli-'));
const main = fileURLToPath(new URL('main.ts', import.meta.url));

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command as a process of its own, with nothing listening where it looks. */
function realchat(...args: string[]) {
  const env = { PATH: process.env['PATH'], XDG_CONFIG_HOME: folder, REALCHAT_PASSWORD: 'seven kayaks drift north' };
  return spawnSync(process.execPath, [main, ...args, '--url', 'http://127.0.0.1:9'], { env, encoding: 'utf8' });
}

test.each([
  [0, ['--help']],
  [2, []],
  [2, ['frobnicate']],
  [2, ['constructor']],
  [2, ['send', 'only-one']],
  [2, ['tail', '--colour']],
  [2, ['conversations', '--timeout', 'soon']],
  [2, ['dlq']],
  [2, ['dlq', 'constructor']],
  [2, ['dlq', 'list', 'operand']],
  [2, ['dlq', 'list', '--state', 'lost']],
  [2, ['dlq', 'list', '--since', 'soon']],
  [2, ['dlq', 'list', '--limit', '501']],
  [2, ['dlq', 'show']],
  [2, ['dlq', 'replay']],
  [2, ['dlq', 'replay', 'topic/0/1', '--all']],
  [2, ['dlq', 'discard', 'topic/0/1']],
  [2, ['explain']],
  [2, ['explain', 'no-id', 'ada']],
  [2, ['explain', '0190f5a0-0000-7000-8000-000000000001']],
  [2, ['explain', '0190f5a0-0000-7000-8000-000000000001', 'ada', 'bob']],
  [2, ['activity', 'today']],
  [2, ['activity', '--day', 'today']],
  [4, ['explain', '0190f5a0-0000-7000-8000-000000000001', 'ada']],
  [4, ['activity']],
  [4, ['dlq', 'list']],
  [4, ['whoami']],
  [3, ['login', 'ada', '--timeout', '5']],
  [4, ['conversations']],
] as const)('ends with %i: realchat %j', (exitCode, args) => {
  const { status, stdout, stderr } = realchat(...args);
  expect(status, stderr).toBe(exitCode);
  // What is no data is not on stdout.
  expect(stdout === '').toBe(exitCode !== 0);
});

test('what is kept is readable by its owner alone, and another edge has a folder of its own', async () => {
  const lines = ['http://one:8080', 'http://two:8080'].map((url) =>
    parseCommandLine(['tail', '--url', url], { XDG_CONFIG_HOME: folder }),
  );
  const [one, two] = lines.map((line) => fileStore(line.folder));
  await one?.set('session', 'secret');
  expect(await one?.get('session')).toBe('secret');
  expect(await two?.get('session')).toBeUndefined();
  expect(statSync(join(lines[0]?.folder ?? '', 'session.json')).mode & 0o777).toBe(0o600);
  expect(statSync(lines[0]?.folder ?? '').mode & 0o777).toBe(0o700);
  await one?.set('session', undefined);
  expect(await one?.get('session')).toBeUndefined();
});

test('a command leaves no unsent messages to a later one', async () => {
  const store = withoutOutbox(fileStore(join(folder, 'outbox')));
  await store.set('outbox.ada', '[]');
  expect(await store.get('outbox.ada')).toBeUndefined();
});

test('a message cannot steer the terminal of its reader', () => {
  expect(printable('a\u001b[31mb\u0007\r\u009bc\n')).toBe('a�[31mb��\ufffdc\n');
});
