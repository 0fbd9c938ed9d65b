import { expect, test } from 'vitest';
import { unreadCount } from './unread.ts';

test.each([
  ['nothing read', { last: 7n, read: 0n, joined: 0n }, 7n],
  ['some read', { last: 7n, read: 5n, joined: 0n }, 2n],
  ['all read', { last: 7n, read: 7n, joined: 0n }, 0n],
  ['joined late: what came before is not unread', { last: 7n, read: 0n, joined: 6n }, 1n],
  ['back again, having read less than there was', { last: 9n, read: 2n, joined: 6n }, 3n],
  ['read beyond the join', { last: 9n, read: 8n, joined: 6n }, 1n],
  ['an empty conversation', { last: 0n, read: 0n, joined: 0n }, 0n],
  ['a head read before the mark', { last: 3n, read: 4n, joined: 0n }, 0n],
])('%s', (_name, marks, unread) => {
  expect(unreadCount(marks)).toBe(unread);
});
