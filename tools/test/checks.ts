/** A check of the sources: a command that exits 0 when all is well. */
export interface Check {
  name: string;
  command: string;
  args: string[];
}

/** Everything that is checked without running the product. */
export const checks: Check[] = [
  { name: 'the sources are formatted and lint-free', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'no promise floats, no import cycle', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'the types hold', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'nothing is unused', command: 'knip', args: ['--no-progress'] },
  { name: 'the contract is lint-free', command: 'buf', args: ['lint'] },
  { name: 'the contract is formatted', command: 'buf', args: ['format', '--diff', '--exit-code'] },
  {
    name: 'the contract breaks no client of the last release',
    command: 'buf',
    args: ['breaking', 'proto', '--against', 'proto/released.binpb'],
  },
  {
    name: 'the generated code is that of the contract, docs/configuration.md that of the settings',
    command: 'node',
    args: ['tools/generate.ts', '--check'],
  },
];
