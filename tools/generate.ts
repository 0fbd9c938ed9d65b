import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Generates gen/ from the contract. With --check, only tells whether what is committed is what would be generated.

const GENERATED = join('gen', 'ts');
const check = process.argv.includes('--check');

const output = mkdtempSync(join(tmpdir(), 'realchat-gen-'));
try {
  execFileSync('buf', ['generate', '--output', output], { stdio: 'inherit' });
  const fresh = join(output, GENERATED);
  if (check) report(differences(fresh, GENERATED));
  else replace(fresh, GENERATED);
} finally {
  rmSync(output, { recursive: true, force: true });
}

function report(stale: string[]): void {
  if (stale.length === 0) return;
  process.stderr.write(
    `Not what the contract generates (npm run generate):\n${stale.map((file) => `  ${file}\n`).join('')}`,
  );
  process.exitCode = 1;
}

function replace(fresh: string, target: string): void {
  for (const file of sources(target)) rmSync(join(target, file));
  cpSync(fresh, target, { recursive: true });
}

function differences(fresh: string, committed: string): string[] {
  const files = new Set([...sources(fresh), ...sources(committed)]);
  return [...files].filter((file) => text(join(fresh, file)) !== text(join(committed, file)));
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('_pb.ts'));
}

function text(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
