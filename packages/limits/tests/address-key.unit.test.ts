import { expect, test } from 'vitest';
import { addressKey } from '../address-key.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('S-56: a client that goes through the addresses of its /64 stays one client', () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => addressKey(`2001:db8:7:8:${i.toString(16)}::${i.toString(16)}`));
  expect(new Set(keys).size).toBe(1);
  expect(addressKey('2001:db8:7:9::1')).not.toBe(keys[0]);
});

test.each(['', 'unknown', '203.0.113.7, 10.0.0.1', 'a:b', '1.2.3.4.5', "x'; DEL *", 'limit:user:1\r\nFLUSHALL'])(
  'S-54: what is no address, %j, makes no key of its own',
  (text) => {
    expect(addressKey(text)).toBe('unknown');
  },
);
