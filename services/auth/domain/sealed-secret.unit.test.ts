import { expect, test } from 'vitest';
import { createSealer } from './sealed-secret.ts';

const sealer = createSealer('a server secret of at least 32 characters');

test('what was sealed is opened again, and nothing of it shows', () => {
  const sealed = sealer.seal('{"d":"private"}', 'key-1');
  expect(sealer.open(sealed, 'key-1')).toBe('{"d":"private"}');
  expect(sealed.toString('latin1')).not.toContain('private');
  expect(sealer.seal('{"d":"private"}', 'key-1')).not.toEqual(sealed);
});

test('another secret, another name or one changed bit opens nothing', () => {
  const sealed = sealer.seal('private', 'key-1');
  expect(() => createSealer('another secret of at least 32 characters').open(sealed, 'key-1')).toThrow();
  expect(() => sealer.open(sealed, 'key-2')).toThrow();
  for (const place of [0, 12, 28, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[place] = (changed[place] ?? 0) ^ 1;
    expect(() => sealer.open(changed, 'key-1')).toThrow();
  }
  expect(() => sealer.open(sealed.subarray(0, 20), 'key-1')).toThrow();
});
