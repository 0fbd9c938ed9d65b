import { create, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { ACCOUNT_EVENTS, type OutgoingRecord, SCHEMA_HEADER, schemaVersionOf } from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';

/** An event of an account as the log keeps it. */
export interface StoredAccountEvent {
  shard: number;
  position: bigint;
  userId: string;
  type: string;
  /** Microseconds since the epoch. */
  createTimeMicros: bigint;
  /** The writer's part of the AccountEvent. */
  body: Uint8Array;
  traceparent: string;
}

const SCHEMA_VERSION = schemaVersionOf(ACCOUNT_EVENTS.name);

/** The event as a record of `realchat.account-events.v1`. */
export function toAccountRecord(event: StoredAccountEvent): OutgoingRecord {
  return {
    topic: ACCOUNT_EVENTS.name,
    partition: event.shard,
    key: event.userId,
    value: withPlace(event),
    headers: {
      'user-id': event.userId,
      position: String(event.position),
      type: event.type,
      shard: String(event.shard),
      traceparent: event.traceparent,
      [SCHEMA_HEADER]: SCHEMA_VERSION,
    },
  };
}

/** The writer's bytes with the place behind them, which every protobuf reader merges into one message. */
function withPlace({ body, position, createTimeMicros }: StoredAccountEvent): Uint8Array {
  const place = create(AccountEventSchema, { position, createTime: timestampOf(createTimeMicros) });
  return Buffer.concat([body, toBinary(AccountEventSchema, place)]);
}

function timestampOf(micros: bigint): Timestamp {
  return create(TimestampSchema, { seconds: micros / 1_000_000n, nanos: Number(micros % 1_000_000n) * 1_000 });
}
