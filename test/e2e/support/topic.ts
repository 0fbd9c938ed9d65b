import { fromBinary } from '@bufbuild/protobuf';
import {
  ACCOUNT_EVENTS,
  CONVERSATION_EVENTS,
  coordinatesOf,
  createEventLog,
  deadLetterTopicOf,
  decodeConversationRecord,
  type EventLog,
  type EventRecord,
} from '@realchat/eventlog';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { createTelemetry } from '@realchat/telemetry';
import { until } from '@realchat/testkit';
import type { Mesh } from './mesh.ts';

/** A record of the topic of conversations, with what it says of its message. */
export interface TopicRecord {
  shard: number;
  position: number;
  conversation: string;
  seq: number;
  messageId: string | undefined;
  traceparent: string;
}

/**
 * Reads the whole topic of conversations as it is now, partition by partition in order of offset, from the broker itself.
 * A record that cannot be decoded fails it, unless it is one of those expected, by their coordinates.
 */
export async function readTopic(mesh: Mesh, unreadable: ReadonlySet<string> = new Set()): Promise<TopicRecord[]> {
  return withEventLog(mesh, async (eventLog) => {
    const records = await readAll(eventLog, CONVERSATION_EVENTS.name);
    const readable = records.filter((record) => !unreadable.has(coordinatesOf(record)));
    return readable.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset)).map(toTopicRecord);
  });
}

/** The coordinates of every record that is a dead letter, each as often as it was set aside. */
export async function readDeadLetters(mesh: Mesh): Promise<string[]> {
  return withEventLog(mesh, async (eventLog) => {
    const topics = [CONVERSATION_EVENTS, ACCOUNT_EVENTS].map((topic) => deadLetterTopicOf(topic.name));
    const letters = await Promise.all(topics.map((topic) => readAll(eventLog, topic)));
    return letters.flat().map(({ key }) => Buffer.from(key ?? '').toString());
  });
}

/** Work with the event log as the launcher's own client. */
export async function withEventLog<T>({ stack }: Mesh, work: (eventLog: EventLog) => Promise<T>): Promise<T> {
  const { log, metrics } = createTelemetry({ service: 'test', instance: 'test', level: 'silent' });
  const brokers = [{ host: '127.0.0.1', port: stack.ports.kafkaAdmin }];
  const eventLog = createEventLog({ brokers, clientId: 'e2e', log, metrics });
  try {
    return await work(eventLog);
  } finally {
    await eventLog.stop();
  }
}

/** How many records the topic of conversations has, repeats included. */
export function countRecords(mesh: Mesh): Promise<number> {
  return withEventLog(mesh, (eventLog) => countOf(eventLog, CONVERSATION_EVENTS.name));
}

/** How many dead letters there are, by topic. */
export async function countDeadLetters(mesh: Mesh): Promise<Record<string, number>> {
  return withEventLog(mesh, async (eventLog) => {
    const names = [CONVERSATION_EVENTS, ACCOUNT_EVENTS].map((topic) => deadLetterTopicOf(topic.name));
    const counts = names.map(async (name): Promise<[string, number]> => [name, await countOf(eventLog, name)]);
    return Object.fromEntries(await Promise.all(counts));
  });
}

async function countOf(eventLog: EventLog, topic: string): Promise<number> {
  const offsets = await eventLog.offsets(topic);
  return offsets.reduce((sum, { low, high }) => sum + Number(high - low), 0);
}

async function readAll(eventLog: EventLog, topic: string): Promise<EventRecord[]> {
  const wanted = await countOf(eventLog, topic);
  const records: EventRecord[] = [];
  if (wanted === 0) return records;
  const tail = eventLog.tail({
    reader: 'read-back',
    topics: [topic],
    from: 'earliest',
    onRecords: (run) => void records.push(...run),
  });
  try {
    await until(`${wanted} records of ${topic}`, () => records.length >= wanted, 30_000);
  } finally {
    await tail.stop();
  }
  return records;
}

function toTopicRecord(record: EventRecord): TopicRecord {
  const { shard, position, conversationId, seq, traceparent, event } = decodeConversationRecord(record);
  const { change } = fromBinary(ConversationEventSchema, event);
  return {
    shard,
    position: Number(position),
    conversation: conversationId,
    seq: Number(seq),
    messageId: change.case === 'messageSent' ? change.value.message?.messageId : undefined,
    traceparent,
  };
}
