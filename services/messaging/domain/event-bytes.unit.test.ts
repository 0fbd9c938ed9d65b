import { fromBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { expect, test } from 'vitest';
import { encodeEvent, timestampOf, withPlace } from './event-bytes.ts';

const place = { seq: 5n, position: 9n, createTimeMicros: 1_764_000_000_123_456n };

test('a message event reads back as one message with its place in the event and in the message', () => {
  const body = encodeEvent({
    conversationId: 'c',
    actorId: 'a',
    change: {
      case: 'messageSent',
      value: {
        message: { messageId: 'm', senderId: 'a', conversationId: 'c', content: { case: 'text', value: 'hi' } },
      },
    },
  });
  const event = fromBinary(ConversationEventSchema, withPlace(body, { ...place, number: 3n }));
  expect(event).toMatchObject({ conversationId: 'c', actorId: 'a', seq: 5n, position: 9n });
  expect(event.change.case).toBe('messageSent');
  const message = event.change.case === 'messageSent' ? event.change.value.message : undefined;
  expect(message).toMatchObject({
    messageId: 'm',
    senderId: 'a',
    seq: 5n,
    number: 3n,
    createTime: { seconds: 1_764_000_000n, nanos: 123_456_000 },
    content: { case: 'text', value: 'hi' },
  });
});

test('an event that is no message keeps its change when its place is appended', () => {
  const body = encodeEvent({ conversationId: 'c', change: { case: 'memberRemoved', value: { userId: 'u' } } });
  const event = fromBinary(ConversationEventSchema, withPlace(body, { ...place, number: null }));
  expect(event.change).toMatchObject({ case: 'memberRemoved', value: { userId: 'u' } });
  expect(event.seq).toBe(5n);
});

test('a time in microseconds becomes the timestamp of the same instant', () => {
  const date = new Date('2026-11-25T10:20:30.456Z');
  expect(timestampOf(BigInt(date.getTime()) * 1_000n)).toEqual(timestampFromDate(date));
});
