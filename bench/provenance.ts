import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { versions as engines } from '@realchat/stack';

/** The commit that runs, short; with `+` behind it when files were changed since. */
export function currentCommit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
    // Results and what is made from them are no change of what is measured.
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results', ':!docs');
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** What took part, with its version. */
export function versionsInUse(): Record<string, string> {
  const { postgres, valkey, kafka, envoy } = engines;
  const file = new URL('./package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> };
  const libraries = Object.entries(dependencies).filter(([name]) => !name.startsWith('@realchat/'));
  return { node: process.version, postgres, valkey, kafka, envoy, ...Object.fromEntries(libraries) };
}
