import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { repositoryRoot } from '../../tools/stack/paths.ts';

const script = join(repositoryRoot, 'tools', 'compose-env.mjs');
const example = parseEnv(readFileSync(join(repositoryRoot, '.env.example'), 'utf8'));
const secrets = Object.keys(example).filter((name) => example[name] === '');

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'realchat-env-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

function run(where: string): { output: string; env: NodeJS.Dict<string> } {
  const output = execFileSync(process.execPath, [script, where], { encoding: 'utf8' });
  return { output, env: parseEnv(readFileSync(join(where, '.env'), 'utf8')) };
}

test('every secret is long, random and of its own; the rest is as in .env.example', () => {
  const [one, other] = [run(folder()).env, run(folder()).env];
  const made = [one, other].flatMap((env) => secrets.map((name) => env[name] ?? ''));
  expect(new Set(made).size).toBe(2 * secrets.length);
  for (const name of secrets)
    expect(one[name], name).toMatch(name === 'KAFKA_CLUSTER_ID' ? /^\w[\w-]{21}$/ : /^[\w-]{43}$/);
  for (const name of Object.keys(example).filter((each) => !secrets.includes(each)))
    expect(one[name]).toBe(example[name]);
});

test('S-71: the file is for its owner alone, and no secret is printed', () => {
  const where = folder();
  const { output, env } = run(where);
  expect(statSync(join(where, '.env')).mode & 0o777).toBe(0o600);
  for (const name of secrets) expect(output).not.toContain(env[name]);
});

test('what is there stays, word for word; only what is missing or empty is added', () => {
  const where = folder();
  const kept = '# mine\nREALCHAT_MODE=production\nPOSTGRES_PASSWORD=kept\nVALKEY_PASSWORD=\nOTHER=1\n';
  writeFileSync(join(where, '.env'), kept);
  const { env } = run(where);
  expect(env).toMatchObject({ REALCHAT_MODE: 'production', POSTGRES_PASSWORD: 'kept', OTHER: '1' });
  for (const name of secrets) expect(env[name]).not.toBe('');
  expect(readFileSync(join(where, '.env'), 'utf8')).toContain(
    '# mine\nREALCHAT_MODE=production\nPOSTGRES_PASSWORD=kept\n',
  );
  const before = readFileSync(join(where, '.env'), 'utf8');
  expect(run(where).output).toContain('has everything');
  expect(readFileSync(join(where, '.env'), 'utf8')).toBe(before);
});
