import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ACCOUNT_EVENTS,
  CONVERSATION_EVENTS,
  createEventLog,
  type EventLog,
  encodeConversationRecord,
  type OutgoingRecord,
} from '@realchat/eventlog';
import { AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { createTelemetry } from '@realchat/telemetry';
import type * as kafkajs from 'kafkajs';
import type { Mesh } from './mesh.ts';

/** A record that a reader cannot handle. */
export interface Poison {
  record: OutgoingRecord;
  /** What its dead letter says: where readers differ, what the last of them said. */
  errorClasses: string[];
  readers: string[];
}

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
    bad(['UNDECODABLE_EVENT'], { value: Buffer.from('not an event at all') }),
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
        record: { ...some(), value: Buffer.from('not an event') },
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

/** Appends each poison in a send of its own, and answers their ids as dead letters. */
export async function inject(mesh: Mesh, poison: readonly Poison[]): Promise<string[]> {
  return withEventLog(mesh, async (eventLog) => {
    const producer = eventLog.producer();
    const ids: string[] = [];
    for (const { record } of poison) {
      const [place] = await producer.send([record]);
      ids.push(`${record.topic}/${record.partition}/${place?.baseOffset}`);
    }
    return ids;
  });
}

/** What a plain client is told that sends a record of 1 MiB and a byte, and one of a codec that nobody has: error names. */
export async function sendUnacceptable({ stack }: Mesh): Promise<string[]> {
  const require = createRequire(import.meta.url);
  const { Kafka, logLevel } = require('kafkajs') as typeof kafkajs;
  const { Codecs } = require('kafkajs/src/protocol/message/compression') as {
    Codecs: Record<number, () => { compress(encoder: { buffer: Buffer }): Promise<Buffer> }>;
  };
  const UNKNOWN_CODEC = 6;
  Codecs[UNKNOWN_CODEC] = () => ({ compress: ({ buffer }) => Promise.resolve(buffer) });
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${stack.ports.kafkaAdmin}`],
    clientId: 'plain',
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer({ createPartitioner: () => () => SHARD, retry: { retries: 0 } });
  await producer.connect();
  const topic = CONVERSATION_EVENTS.name;
  const outcome = (value: Buffer, compression?: number) =>
    producer
      .send({
        topic,
        messages: [{ key: 'key', value }],
        ...(compression && { compression: compression as kafkajs.CompressionTypes }),
      })
      .then(
        () => 'accepted',
        (error: Error & { type?: string; cause?: { type?: string } }) => error.type ?? error.cause?.type ?? error.name,
      );
  try {
    return [await outcome(Buffer.alloc(1024 * 1024 + 1)), await outcome(Buffer.from('x'), UNKNOWN_CODEC)];
  } finally {
    await producer.disconnect();
  }
}

async function withEventLog<T>({ stack }: Mesh, work: (eventLog: EventLog) => Promise<T>): Promise<T> {
  const { log, metrics } = createTelemetry({ service: 'test', instance: 'test', level: 'silent' });
  const brokers = [{ host: '127.0.0.1', port: stack.ports.kafkaAdmin }];
  const eventLog = createEventLog({ brokers, clientId: 'poison', log, metrics });
  try {
    return await work(eventLog);
  } finally {
    await eventLog.stop();
  }
}
