import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ACCOUNT_EVENTS, encodeConversationRecord, type OutgoingRecord } from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';

/** A record that a reader cannot handle. */
export interface Poison {
  record: OutgoingRecord;
  /** What its dead letter says: where readers differ, what the last of them said. */
  errorClasses: string[];
  readers: string[];
}

/** What stands in values that are no events. */
export const GARBAGE = 'a secret that is not an event';
const SHARD = 3;
/** Beyond all that a test makes. */
const NO_POSITION = 1_000_000_000n;

/** Poison for delivery: each kind that its decoding knows. */
export function poisonForDelivery(): Poison[] {
  const conversationId = randomUUID();
  const event = toBinary(
    ConversationEventSchema,
    create(ConversationEventSchema, { conversationId, seq: 1n, position: NO_POSITION }),
  );
  const place = { shard: SHARD, conversationId, seq: 1n, position: NO_POSITION, type: 1, traceparent: '' };
  const good = encodeConversationRecord({ ...place, event });
  const bad = (errorClasses: string[], change: Partial<OutgoingRecord>): Poison => ({
    record: { ...good, ...change },
    errorClasses,
    readers: ['delivery', 'operations.activity'],
  });
  return [
    bad(['UNDECODABLE_EVENT'], { value: Buffer.from(GARBAGE) }),
    bad(['WRONG_SCHEMA'], { headers: { ...good.headers, schema: '2.0' } }),
    bad(['KEY_MISMATCH'], { key: null }),
    bad(['MISSING_HEADER'], { headers: {} }),
    bad(['EMPTY_VALUE'], { value: null }),
    // Well-formed as far as delivery reads it, and of no event that ever was.
    bad(['NOT_IN_LOG', 'INVALID_EVENT'], {}),
  ];
}

/** Poison for the consumers of account events. `takenName` is the username of an account that has its profile. */
export function poisonForAccounts(takenName: string): { poison: Poison[]; mendable: Poison & { userId: string } } {
  const registered = (username: string, seconds = 1_764_000_000n) => {
    const userId = randomUUID();
    const createTime = { ...timestampFromMs(0), seconds };
    const change = { case: 'registered', value: { username } } as const;
    const event = create(AccountEventSchema, { userId, position: NO_POSITION, createTime, change });
    const record: OutgoingRecord = {
      topic: ACCOUNT_EVENTS.name,
      partition: 1,
      key: userId,
      value: toBinary(AccountEventSchema, event),
    };
    return { userId, record };
  };
  const some = () => registered(`p${randomUUID().replaceAll('-', '').slice(0, 16)}`).record;
  const conflict = registered(takenName);
  return {
    poison: [
      {
        record: { ...some(), value: Buffer.from(GARBAGE) },
        errorClasses: ['UNDECODABLE'],
        readers: ['auth', 'profile'],
      },
      {
        record: { ...some(), headers: { schema: '2.0' } },
        errorClasses: ['WRONG_SCHEMA'],
        readers: ['auth', 'profile'],
      },
      // A bug that shows with one key alone: no database has such a time.
      {
        record: registered('marigold-before-time', -1_000_000_000_000n).record,
        errorClasses: ['error'],
        readers: ['profile'],
      },
    ],
    mendable: {
      record: conflict.record,
      userId: conflict.userId,
      errorClasses: ['USERNAME_CONFLICT'],
      readers: ['profile'],
    },
  };
}
