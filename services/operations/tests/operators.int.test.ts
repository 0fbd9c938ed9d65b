import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createPool, type Pool } from '@realchat/db';
import { createTestDatabase, silentTelemetry } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { grantOperator, isOperator, listOperators, revokeOperator } from '../db/operators.ts';
import { runOperatorsCommand } from '../operators-command.ts';

const BY = 'run by a test';
const main = fileURLToPath(new URL('../operators-main.ts', import.meta.url));
let url: string;
let pool: Pool;

beforeAll(async () => {
  url = await createTestDatabase(migrations);
  pool = createPool({ url, size: 2, name: 'test', ...silentTelemetry() });
});
afterAll(() => pool?.end());

/** What the audit has of a user, oldest first. */
async function auditOf(userId: string) {
  const { rows } = await pool.query<{ user_id: string | null; action: string; detail: string }>(
    'select user_id, action, detail from operator_action where subject = $1 order by id',
    [userId],
  );
  return rows;
}

const run = (...args: string[]) => runOperatorsCommand(args, pool, BY);

test('the command grants, shows and takes back, and says what it does not know', async () => {
  const userId = randomUUID();
  expect(await run('grant', userId)).toMatch(new RegExp(`${userId} .* -\n`));
  expect(await run('grant', userId)).toMatch(new RegExp(`${userId} .* -\n`));
  expect(await run('revoke', userId)).not.toMatch(new RegExp(`${userId} .* -\n`));
  expect(await run('list')).toContain(userId);
  await expect(run('revoke', userId)).rejects.toThrow('no operator');
  await expect(run('grant', 'marigold')).rejects.toThrow('UUID');
  await expect(run('promote')).rejects.toThrow('usage');
});

test('each grant and revocation is written down with who it was, and what changes nothing is not', async () => {
  const userId = randomUUID();
  await expect(run('revoke', userId)).rejects.toThrow('no operator');
  for (const command of ['grant', 'grant', 'revoke', 'grant']) await run(command, userId);
  await expect(run('revoke', randomUUID())).rejects.toThrow('no operator');
  const detail = `by way of the database, as its role ${new URL(url).username}; ${BY}`;
  expect(await auditOf(userId)).toEqual(
    ['grant', 'revoke', 'grant'].map((action) => ({ user_id: null, action, detail })),
  );
});

test('a grant after a revocation does not forget it', async () => {
  const userId = randomUUID();
  await grantOperator(pool, userId, BY);
  await revokeOperator(pool, userId, BY);
  const stints = async () => (await listOperators(pool)).filter((each) => each.userId === userId);
  const [first] = await stints();
  await grantOperator(pool, userId, BY);
  expect(await isOperator(pool, userId)).toBe(true);
  expect(first?.revokeTime).toBeInstanceOf(Date);
  expect(await stints()).toEqual([first, { userId, grantTime: expect.any(Date), revokeTime: undefined }]);
  expect((await run('list')).match(new RegExp(userId, 'g'))).toHaveLength(2);

  await revokeOperator(pool, userId, BY);
  expect(await isOperator(pool, userId)).toBe(false);
  expect((await stints()).map(({ revokeTime }) => revokeTime !== undefined)).toEqual([true, true]);
});

test('many grants at once are one', async () => {
  const userId = randomUUID();
  await Promise.all(Array.from({ length: 4 }, () => grantOperator(pool, userId, BY)));
  expect(await auditOf(userId)).toHaveLength(1);
  expect(await isOperator(pool, userId)).toBe(true);
});

test('what cannot be written down is not done', async () => {
  const [granted, other] = [randomUUID(), randomUUID()];
  await grantOperator(pool, granted, BY);
  await pool.query('alter table operator_action rename to away');
  try {
    await expect(grantOperator(pool, other, BY)).rejects.toThrow('operator_action');
    await expect(revokeOperator(pool, granted, BY)).rejects.toThrow('operator_action');
  } finally {
    await pool.query('alter table away rename to operator_action');
  }
  expect([await isOperator(pool, other), await isOperator(pool, granted)]).toEqual([false, true]);
});

test('the process of the command says which user of the machine it was', async () => {
  const userId = randomUUID();
  const env = { PATH: process.env['PATH'], DATABASE_URL: url };
  const command = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { env, encoding: 'utf8' });
  const granted = command('grant', userId);
  expect(granted, granted.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining(userId) });
  expect(command('revoke', userId)).toMatchObject({ status: 0, stderr: '' });
  expect(command('list').stdout).toMatch(new RegExp(`^${userId}  \\S+Z  \\S+Z$`, 'm'));
  expect(command('revoke', userId)).toMatchObject({ status: 1, stdout: '', stderr: 'this user is no operator\n' });
  const audit = await auditOf(userId);
  expect(audit.map(({ action }) => action)).toEqual(['grant', 'revoke']);
  for (const { detail } of audit) expect(detail).toContain(`run by the OS user ${userInfo().username} on `);
});
