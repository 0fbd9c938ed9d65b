import { fromBinary } from '@bufbuild/protobuf';
import { ResetReason, SubscribeResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { describe, expect, test } from 'vitest';
import { checkpointFrame, eventFrame, type Frame, heartbeatFrame, resetFrame } from '../domain/frames.ts';
import { MemoryLog } from './memory-log.ts';

const CONVERSATION = '0190f5a0-0000-7000-8000-00000000000a';

function read(frame: Frame) {
  return fromBinary(SubscribeResponseSchema, frame.encoded.bytes);
}

describe('a frame', () => {
  test.each([0, 1, 100, 127, 128, 16_383, 16_384, 40_000])(
    'holds an event with a text of %i characters unchanged',
    (length) => {
      const memory = new MemoryLog(1);
      memory.create(CONVERSATION, 0, ['u']);
      const record = memory.message(CONVERSATION, 'x'.repeat(length));
      const { frame, traceparent } = read(eventFrame(record.event, record.traceparent, 0));
      expect(traceparent).toBe(record.traceparent);
      expect(frame).toMatchObject({
        case: 'event',
        value: { conversationId: CONVERSATION, seq: 2n, position: 2n, change: { case: 'messageSent' } },
      });
      expect(read(eventFrame(record.event, '', 0)).traceparent).toBe('');
    },
  );

  test('does not change when the bytes that it was made of do', () => {
    const memory = new MemoryLog(1);
    memory.create(CONVERSATION, 0, ['u']);
    const { event } = memory.message(CONVERSATION);
    const frame = eventFrame(event, '', 0);
    const before = Buffer.from(frame.encoded.bytes);
    event.fill(0);
    expect(Buffer.from(frame.encoded.bytes)).toEqual(before);
  });

  test('says checkpoints, resets and heartbeats by the contract', () => {
    expect(read(checkpointFrame(Buffer.of(1, 2))).frame).toMatchObject({
      case: 'checkpoint',
      value: { cursor: new Uint8Array([1, 2]) },
    });
    expect(read(resetFrame(ResetReason.EPOCH_CHANGED)).frame).toMatchObject({ case: 'reset', value: { reason: 1 } });
    expect(read(heartbeatFrame(1_500, 15_000)).frame).toMatchObject({
      case: 'heartbeat',
      value: { time: { seconds: 1n, nanos: 500_000_000 }, interval: { seconds: 15n } },
    });
  });
});
