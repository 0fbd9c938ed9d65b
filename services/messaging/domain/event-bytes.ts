import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';

/** Where an event stands: known only under the shard's lock, so kept in columns beside the encoded bytes. */
export interface Place {
  seq: bigint;
  position: bigint;
  /** The message's number; null for events that are no messages. */
  number: bigint | null;
  /** Microseconds since the epoch. */
  createTimeMicros: bigint;
}

/** The writer's part of an event: all but its place. */
export function encodeEvent(event: MessageInitShape<typeof ConversationEventSchema>): Uint8Array {
  return toBinary(ConversationEventSchema, create(ConversationEventSchema, event));
}

/** The whole event: the writer's bytes with its place behind them, which every protobuf reader merges into one message. */
export function withPlace(body: Uint8Array, place: Place): Uint8Array {
  const createTime = timestampOf(place.createTimeMicros);
  const tail = toBinary(
    ConversationEventSchema,
    create(ConversationEventSchema, {
      seq: place.seq,
      position: place.position,
      createTime,
      ...(place.number === null
        ? {}
        : {
            change: { case: 'messageSent', value: { message: { seq: place.seq, number: place.number, createTime } } },
          }),
    }),
  );
  const whole = new Uint8Array(body.length + tail.length);
  whole.set(body);
  whole.set(tail, body.length);
  return whole;
}

/** A protobuf timestamp of a time in microseconds since the epoch. */
export function timestampOf(micros: bigint): Timestamp {
  return create(TimestampSchema, { seconds: micros / 1_000_000n, nanos: Number(micros % 1_000_000n) * 1_000 });
}
