import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FrameSchema, FramesSchema } from '@realchat/gen/realchat/transport/v1/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrames } from '../decode.ts';
import { encodedSize, encodeFrames } from '../encode.ts';
import { Kind, type WireFrame } from '../frame.ts';
import { SessionError } from '../session-error.ts';

const bytesFrame = fc.record({
  call: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  kind: fc.constantFrom<Kind>(Kind.message, Kind.part),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function decodeAll(bytes: Uint8Array): WireFrame[] {
  const frames: WireFrame[] = [];
  decodeFrames(bytes, (frame) => void frames.push(frame));
  return frames;
}

test('the kinds have the field numbers of the contract', () => {
  const fields = Object.fromEntries(
    FrameSchema.oneofs[0]?.fields.map(({ localName, number }) => [localName, number]) ?? [],
  );
  expect(Kind).toEqual(fields);
});

test('what is encoded here is what a protobuf library decodes, and the other way round', () => {
  fc.assert(
    fc.property(fc.array(bytesFrame, { maxLength: 20 }), (frames) => {
      const encoded = encodeFrames(frames);
      const generated = create(FramesSchema, {
        frames: frames.map(({ call, kind, payload }) => ({
          call,
          kind:
            kind === Kind.part
              ? { case: 'part' as const, value: payload }
              : { case: 'message' as const, value: payload },
        })),
      });
      expect(fromBinary(FramesSchema, encoded)).toEqual(generated);
      expect(encoded).toEqual(toBinary(FramesSchema, generated));
      expect(decodeAll(encoded)).toEqual(frames);
      expect(frames.reduce((sum, frame) => sum + encodedSize(frame), 0)).toBe(encoded.length);
    }),
  );
});

test('a payload is a view into what was received', () => {
  const encoded = encodeFrames([{ call: 1, kind: Kind.message, payload: new Uint8Array(100) }]);
  expect(decodeAll(encoded)[0]?.payload.buffer).toBe(encoded.buffer);
});

test('unknown fields and unknown kinds are ignored', () => {
  const unknownInFrames = [0x12, 0x02, 0x01, 0x01, 0x18, 0x05];
  const unknownKind = [0x0a, 0x07, 0x08, 0x01, 0xa2, 0x06, 0x02, 0x01, 0x01];
  const cutShort = [0x0a, 0x0e, 0x08, 0x01, 0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xad, 0x06, 1, 2];
  expect(decodeAll(Uint8Array.from(unknownInFrames))).toEqual([]);
  expect(decodeAll(Uint8Array.from(unknownKind))).toEqual([]);
  expect(() => decodeAll(Uint8Array.from(cutShort))).toThrow(SessionError);
});

test('malformed bytes are a SessionError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        decodeAll(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SessionError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a cut at any place is malformed, or ends between two frames', () => {
  const frames: WireFrame[] = [
    { call: 1, kind: Kind.message, payload: Uint8Array.from([1, 2, 3]) },
    { call: 300, kind: Kind.end, payload: new Uint8Array(0) },
  ];
  const encoded = encodeFrames(frames);
  const first = encodedSize(frames[0] as WireFrame);
  for (let length = 1; length < encoded.length; length++) {
    if (length === first) expect(decodeAll(encoded.subarray(0, length))).toEqual([frames[0]]);
    else expect(() => decodeAll(encoded.subarray(0, length))).toThrow(SessionError);
  }
});
