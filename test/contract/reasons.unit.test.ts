import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// A reason is what programs go by: one that is told and not documented is a promise that nobody made.

const sources = ['packages', 'services', 'edge']
  .flatMap((folder) => filesOf(folder))
  .filter((file) => !/test|testkit|gen\//.test(file));
const told = new Set(sources.flatMap((file) => reasonsIn(readFileSync(file, 'utf8'))));
const contract = filesOf('proto', '.proto').map((file) => readFileSync(file, 'utf8'));
const documents = [...contract, readFileSync('docs/errors.md', 'utf8')].join('\n');

test('every reason that is told is in the contract, or among those that any call may have', () => {
  expect(told.size).toBeGreaterThan(30);
  expect([...told].filter((reason) => !new RegExp(`\\b${reason}\\b`).test(documents))).toEqual([]);
});

function filesOf(folder: string, ending = '.ts'): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'))
    .map((file) => join(folder, file));
}

function reasonsIn(text: string): string[] {
  const made = /(?:new RpcError\(\s*[\w.]+(?: as Code)?,|exhausted\()\s*'([A-Z_]+)'/g;
  return [...text.matchAll(made)].map((match) => match[1] ?? '');
}
