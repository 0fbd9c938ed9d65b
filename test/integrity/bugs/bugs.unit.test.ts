import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@realchat/stack';
import { expect, test } from 'vitest';
import { faultsOf } from '../faults/catalogue.ts';
import { bugOf, bugs, withBug } from './bugs.ts';

test.each(bugs.map((bug) => [bug.name, bug] as const))('%s fits the product as it is', (_name, bug) => {
  for (const { file } of bug.patches) {
    const source = readFileSync(join(repositoryRoot, file), 'utf8');
    expect(withBug(bug, file, source)).not.toBe(source);
  }
  expect(() => faultsOf(bug.faults)).not.toThrow();
});

test('a bug that does not fit any more says so', () => {
  const bug = { ...bugOf('no-heads'), patches: [{ file: 'a.ts', from: 'gone', to: '' }] };
  expect(() => withBug(bug, 'a.ts', 'something else')).toThrow('does not fit a.ts any more');
});
