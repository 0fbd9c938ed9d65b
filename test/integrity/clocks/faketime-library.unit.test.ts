import { expect, test } from 'vitest';
import { whyNoClocks } from './faketime-library.ts';

test('a machine for which there is no library is told why', () => {
  expect(whyNoClocks('linux', 'x64')).toBeUndefined();
  expect(whyNoClocks('darwin', 'arm64')).toContain('darwin on arm64');
  expect(whyNoClocks('linux', 'arm64')).toContain('linux on arm64');
});
