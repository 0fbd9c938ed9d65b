import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { expect, test } from 'vitest';
import { toAccountRecord } from './account-record.ts';

const userId = '0190163d-8694-739b-aea5-966c26f8ad91';

test('the value is one AccountEvent: what was written, with its place behind it', () => {
  const change = { case: 'registered', value: { username: 'marigold' } } as const;
  const record = toAccountRecord({
    shard: 3,
    position: 17n,
    userId,
    type: 'registered',
    createTimeMicros: 1_764_080_000_123_456n,
    body: toBinary(AccountEventSchema, create(AccountEventSchema, { userId, change })),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  expect(fromBinary(AccountEventSchema, record.value as Uint8Array)).toMatchObject({
    userId,
    position: 17n,
    createTime: { seconds: 1_764_080_000n, nanos: 123_456_000 },
    change,
  });
});

test('the record goes to its shard, under its account, and can be routed without being decoded', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const event = {
    shard: 3,
    position: 17n,
    userId,
    type: 'registered',
    createTimeMicros: 1n,
    body: Buffer.of(),
    traceparent,
  };
  expect(toAccountRecord(event)).toMatchObject({
    topic: 'realchat.account-events.v1',
    partition: 3,
    key: userId,
    headers: { 'user-id': userId, position: '17', type: 'registered', shard: '3', traceparent },
  });
});
