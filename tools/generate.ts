import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationPage } from './configuration-page.ts';

// Generates gen/ from the contract and docs/configuration.md from the processes' settings. With --check, only tells whether
// what is committed is what would be generated.

const CODE = join('gen', 'ts');
const PAGE = join('docs', 'configuration.md');
const check = process.argv.includes('--check');

const output = mkdtempSync(join(tmpdir(), 'realchat-gen-'));
try {
  execFileSync('buf', ['generate', '--output', output], { stdio: 'inherit' });
  const fresh = join(output, CODE);
  const page = configurationPage();
  if (check) report([...staleCode(fresh), ...(text(PAGE) === page ? [] : [PAGE])]);
  else {
    replace(fresh, CODE);
    writeFileSync(PAGE, page);
  }
} finally {
  rmSync(output, { recursive: true, force: true });
}

function report(stale: string[]): void {
  if (stale.length === 0) return;
  process.stderr.write(`Not what npm run generate makes:\n${stale.map((file) => `  ${file}\n`).join('')}`);
  process.exitCode = 1;
}

function replace(fresh: string, target: string): void {
  for (const file of sources(target)) rmSync(join(target, file));
  cpSync(fresh, target, { recursive: true });
}

function staleCode(fresh: string): string[] {
  const files = new Set([...sources(fresh), ...sources(CODE)]);
  return [...files]
    .filter((file) => text(join(fresh, file)) !== text(join(CODE, file)))
    .map((file) => join(CODE, file));
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('_pb.ts'));
}

function text(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
