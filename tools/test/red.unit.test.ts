import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { redIn } from './red.ts';

test('what is not green is told by file and name: failed, skipped, and a file that could not be loaded', () => {
  const of = (name: string, status: string, tests: Record<string, string>) => ({
    name: resolve(name),
    status,
    assertionResults: Object.entries(tests).map(([fullName, each]) => ({ fullName, status: each })),
  });
  const testResults = [
    of('a.test.ts', 'passed', { good: 'passed' }),
    of('b.test.ts', 'failed', { good: 'passed', bad: 'failed', left: 'skipped' }),
    of('c.test.ts', 'failed', {}),
    of('d.test.ts', 'failed', { good: 'passed' }),
  ];
  const red = redIn({ startTime: 0, numPassedTests: 3, numTotalTests: 5, testResults });
  expect(red).toEqual(['b.test.ts: bad', 'b.test.ts: left', 'c.test.ts', 'd.test.ts']);
});
