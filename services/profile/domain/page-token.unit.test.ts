import { RpcError } from '@realchat/rpc';
import { expect, test } from 'vitest';
import { decodePageToken, encodePageToken } from './page-token.ts';

test.each(['abc', '0_.-', 'a'.repeat(32)])('a page token gives back its username: %s', (username) => {
  expect(decodePageToken(encodePageToken(username))).toBe(username);
});

test.each([
  '!',
  'YWJj=',
  'YWJj ',
  Buffer.from('ab').toString('base64url'),
  Buffer.from('ABC').toString('base64url'),
  Buffer.from("' or 1=1 --").toString('base64url'),
  Buffer.from('abc\0').toString('base64url'),
])('what is none is refused: %j', (token) => {
  expect(() => decodePageToken(token)).toThrow(RpcError);
});
