import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LIMITS, type Limit } from '../table.ts';

const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8');
const OTHERS: Partial<Record<string, string>> = {
  login_account_address: 'a wrong password',
  login_account: 'a wrong password',
  socket_messages: 'WebSocket messages',
  socket_bytes: 'bytes',
};

test('docs/limits.md has the table that is in force, row by row', () => {
  const rows = (Object.entries(LIMITS) as [string, Limit][]).map(([name, limit]) => {
    const methods = OTHERS[name] ?? limit.methods?.map((method) => method.name).join(', ') ?? 'all';
    const alone = limit.withoutRedis === 0.5 ? 'half' : 'as much';
    return `| \`${name}\` | ${limit.by} | ${methods} | ${limit.burst} | ${limit.count} in ${limit.seconds} s | ${alone} |`;
  });
  expect(page.split('\n').filter((line) => /^\| `[a-z_]+` \| (address|user|account|socket) /.test(line))).toEqual(rows);
});
