import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outlineOf } from '../domain/event-outline.ts';

const event = fc.record({
  conversationId: fc.uuid(),
  // 0: the event takes none, as a read position.
  seq: fc.bigInt(0n, 2n ** 53n - 1n),
  position: fc.bigInt(1n, 2n ** 53n - 1n),
  createTime: fc.integer({ min: 1, max: 4_000_000_000_000 }),
  text: fc.string(),
});

function encode({
  conversationId,
  seq,
  position,
  createTime,
  text,
}: typeof event extends fc.Arbitrary<infer E> ? E : never) {
  const writer = create(ConversationEventSchema, {
    conversationId,
    actorId: conversationId,
    change: { case: 'messageSent', value: { message: { content: { case: 'text', value: text } } } },
  });
  const place = create(ConversationEventSchema, {
    seq,
    position,
    createTime: timestampFromMs(createTime),
    change: { case: 'messageSent', value: { message: { seq, number: 5n } } },
  });
  return Buffer.concat([toBinary(ConversationEventSchema, writer), toBinary(ConversationEventSchema, place)]);
}

describe('the outline of an event', () => {
  test('is its place, whatever else it says', () => {
    fc.assert(
      fc.property(event, (one) => {
        const outline = outlineOf(encode(one));
        expect(outline).toMatchObject({
          conversationId: one.conversationId,
          seq: Number(one.seq),
          position: Number(one.position),
        });
        expect(outline?.createTime).toBeCloseTo(one.createTime, 0);
      }),
    );
  });

  test('is none where bytes are missing', () => {
    fc.assert(
      fc.property(event, fc.nat(), (one, cut) => {
        const bytes = encode(one);
        const part = bytes.subarray(0, cut % bytes.length);
        const outline = outlineOf(part);
        // Cut between two fields, what is left is an event that says less.
        if (outline) expect(outline.position).toBe(Number(one.position));
      }),
    );
  });

  test('never fails, and is none for what is no event', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const outline = outlineOf(bytes);
        if (outline) expect(outline.position).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
    expect(outlineOf(new Uint8Array())).toBeUndefined();
    expect(outlineOf(Buffer.from('not an event'))).toBeUndefined();
    // A length of 2^60, and a varint that does not end.
    expect(outlineOf(Buffer.from('0affffffffffffffff0f', 'hex'))).toBeUndefined();
    expect(outlineOf(Buffer.from('10ffffffffffffffffffffffff', 'hex'))).toBeUndefined();
  });
});
