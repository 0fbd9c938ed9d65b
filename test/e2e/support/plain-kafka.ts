import { createRequire } from 'node:module';
import { CONVERSATION_EVENTS, coordinatesOf, type OutgoingRecord } from '@realchat/eventlog';
import type * as kafkajs from 'kafkajs';
import type { Mesh } from './mesh.ts';

const require = createRequire(import.meta.url);
const { Kafka, logLevel, CompressionTypes } = require('kafkajs') as typeof kafkajs;
const { Codecs } = require('kafkajs/src/protocol/message/compression') as {
  Codecs: Record<number, () => { compress(encoder: { buffer: Buffer }): Promise<Buffer> }>;
};

/** As large as a record may be, and a byte. */
const TOO_LARGE = 1024 * 1024 + 1;
const UNKNOWN_CODEC = 6 as kafkajs.CompressionTypes;

/** Appends each record in a send of its own, by a client that knows nothing of the product. Answers their coordinates. */
export function inject(mesh: Mesh, records: readonly OutgoingRecord[]): Promise<string[]> {
  return withPlainProducer(mesh, async (producer) => {
    const names: string[] = [];
    for (const { topic, partition, key, value, headers } of records) {
      const message = { partition, key: key && Buffer.from(key), value: value && Buffer.from(value), headers };
      const [place] = await producer.send({ topic, messages: [message as kafkajs.Message] });
      names.push(coordinatesOf({ topic, partition, offset: BigInt(place?.baseOffset ?? -1) }));
    }
    return names;
  });
}

/** What a plain client is told that sends a record of 1 MiB and a byte, and one of a codec that nobody has: error names. */
export function sendUnacceptable(mesh: Mesh): Promise<string[]> {
  Codecs[UNKNOWN_CODEC] = () => ({ compress: ({ buffer }) => Promise.resolve(buffer) });
  return withPlainProducer(mesh, async (producer) => {
    const outcome = (value: Buffer, compression = CompressionTypes.None) =>
      producer
        .send({ topic: CONVERSATION_EVENTS.name, messages: [{ partition: 0, key: 'key', value }], compression })
        .then(
          () => 'accepted',
          (error: Error & { type?: string; cause?: { type?: string } }) =>
            error.type ?? error.cause?.type ?? error.name,
        );
    return [await outcome(Buffer.alloc(TOO_LARGE)), await outcome(Buffer.from('x'), UNKNOWN_CODEC)];
  });
}

async function withPlainProducer<T>({ stack }: Mesh, work: (producer: kafkajs.Producer) => Promise<T>): Promise<T> {
  const brokers = [`127.0.0.1:${stack.ports.kafkaAdmin}`];
  const kafka = new Kafka({ brokers, clientId: 'plain', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ retry: { retries: 0 } });
  await producer.connect();
  try {
    return await work(producer);
  } finally {
    await producer.disconnect();
  }
}
