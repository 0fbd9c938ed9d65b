import { fromBinary } from '@bufbuild/protobuf';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { withPlace } from './event-bytes.ts';

/** A message as it is stored: its event's bytes, with its place beside. */
export interface StoredMessage {
  seq: bigint;
  number: bigint;
  /** Microseconds since the epoch. */
  micros: bigint;
  body: Uint8Array;
}

/** The message of a stored event. Throws when the event is no message. */
export function toMessage({ seq, number, micros, body }: StoredMessage): Message {
  // The position is not the reader's concern here.
  const bytes = withPlace(body, { seq, position: 0n, number, createTimeMicros: micros });
  const event = fromBinary(ConversationEventSchema, bytes);
  if (event.change.case !== 'messageSent' || !event.change.value.message) throw new Error(`seq ${seq} is no message`);
  return event.change.value.message;
}
