import { relative } from 'node:path';

/** What is read of vitest's JSON report. */
export interface Report {
  startTime: number;
  numPassedTests: number;
  numTotalTests: number;
  testResults: {
    /** The file's path. */
    name: string;
    status: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

/** File and name of each test that has not passed, and of each file that failed although its tests did not. */
export function redIn({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative('', name);
    const tests = assertionResults.filter((test) => test.status !== 'passed');
    if (tests.length === 0 && status === 'failed') return [file];
    return tests.map(({ fullName }) => `${file}: ${fullName}`);
  });
}
