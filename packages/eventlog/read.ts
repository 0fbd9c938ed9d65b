import type { KafkaMessage } from 'kafkajs';
import { UNDECODABLE, type UndecodableBatch } from './kafkajs.ts';
import { type EventRecord, Headers } from './records.ts';

/** What a fetched message is: a record, or the stand-in for a batch that could not be decoded. */
export function toRecord(topic: string, partition: number, message: KafkaMessage): EventRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: new Headers(message.headers),
  };
}

/** Set when a message stands for a batch that could not be decoded; its value then is the batch as it is in the log. */
export function undecodable(message: KafkaMessage): UndecodableBatch | undefined {
  return (message as { [UNDECODABLE]?: UndecodableBatch })[UNDECODABLE];
}
