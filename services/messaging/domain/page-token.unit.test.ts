import { RpcError } from '@realchat/rpc';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { decodePageToken, encodePageToken } from './page-token.ts';

test('a page token gives back the id that it was made of', () => {
  const id = uuidv7();
  expect(decodePageToken(encodePageToken(id))).toBe(id);
});

test.each(['x', 'AAAA', 'not base64 !', `${encodePageToken(uuidv7())}A`, `${encodePageToken(uuidv7())}=`])(
  'S-09: %j, which no list has given, is refused by its field',
  (token) => {
    expect(() => decodePageToken(token)).toThrow(RpcError);
  },
);
