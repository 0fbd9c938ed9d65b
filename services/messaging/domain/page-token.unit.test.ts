import { RpcError } from '@realchat/rpc';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { decodeMemberPageToken, decodePageToken, encodeMemberPageToken, encodePageToken } from './page-token.ts';

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

test('a page token of members gives back the place that it was made of', () => {
  const place = { joinedSeq: 2n ** 62n, userId: uuidv7() };
  expect(decodeMemberPageToken(encodeMemberPageToken(place))).toEqual(place);
});

test.each(['x', encodePageToken(uuidv7()), `${encodeMemberPageToken({ joinedSeq: 1n, userId: uuidv7() })}AA`])(
  'S-09: %j is no page token of members',
  (token) => {
    expect(() => decodeMemberPageToken(token)).toThrow(RpcError);
  },
);
