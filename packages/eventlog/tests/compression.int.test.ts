import { createRequire } from 'node:module';
import { kafkaBrokers, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEAD_LETTER, deadLetterTopicOf } from '../index.ts';
import { createFixture, type Fixture, numbered, numberOf } from './fixture.ts';
import { lz4Frame } from './lz4-frame.ts';

// Records of foreign producers, compressed as they like.

const GZIP = 1;
const LZ4 = 3;
const ZSTD = 4;

const { Codecs: codecs } = createRequire(import.meta.url)('kafkajs/src/protocol/message/compression') as {
  Codecs: Record<number, () => { compress(encoder: { buffer: Buffer }): Promise<Buffer> }>;
};

let fixture: Fixture;
beforeAll(() => {
  fixture = createFixture(kafkaBrokers());
});
afterAll(() => fixture.stop());

/** A topic that keeps batches as their producers packed them, which ours do not. */
async function topicThatKeepsCodecs(): Promise<string> {
  const topic = await fixture.topic(1);
  const admin = fixture.kafka.admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: topic, configEntries: [{ name: 'compression.type', value: 'producer' }] }],
  });
  await admin.disconnect();
  return topic;
}

/** Appends records as one batch of a codec that only this producer knows. */
async function sendCompressed(topic: string, codec: number, numbers: number[]): Promise<void> {
  const known = codecs[codec];
  if (codec === LZ4) codecs[codec] = () => ({ compress: ({ buffer }) => Promise.resolve(lz4Frame(buffer)) });
  const producer = fixture.kafka.producer({ createPartitioner: () => () => 0 });
  await producer.connect();
  const messages = numbers.map((n) => ({ key: 'key', value: String(n) }));
  await producer.send({ topic, compression: codec, messages });
  await producer.disconnect();
  if (known) codecs[codec] = known;
}

test('gzip and zstd are read', async () => {
  const topic = await topicThatKeepsCodecs();
  await sendCompressed(topic, GZIP, [1, 2]);
  await sendCompressed(topic, ZSTD, [3, 4]);
  expect((await fixture.readAll(topic)).map(numberOf)).toEqual([1, 2, 3, 4]);
});

test('a batch that cannot be unpacked is set aside as it is, and both kinds of readers go on', async () => {
  const topic = await topicThatKeepsCodecs();
  await fixture.eventLog.producer().send([numbered(topic, 0, 1)]);
  await sendCompressed(topic, LZ4, [2, 3, 4]);
  await fixture.eventLog.producer().send([numbered(topic, 0, 5)]);

  expect((await fixture.readAll(topic)).map(numberOf)).toEqual([1, 5]);
  const handled: number[] = [];
  const reader = fixture.eventLog.consume({
    group: `${topic}-lz4`,
    topic,
    eachBatch: async (records) => void handled.push(...records.map(numberOf)),
  });
  await until('the others are handled', () => handled.length === 2);
  expect(handled).toEqual([1, 5]);
  await until('all is committed', async () => (await fixture.committed(`${topic}-lz4`, topic))[0] === 5n);
  await reader.stop();

  const letters = await fixture.readAll(deadLetterTopicOf(topic));
  expect(letters.map((letter) => letter.headers.text(DEAD_LETTER.reader))).toEqual(['read-all', `${topic}-lz4`]);
  for (const letter of letters) {
    expect(Buffer.from(letter.key ?? []).toString()).toBe(`${topic}/0/1`);
    expect(letter.headers.text(DEAD_LETTER.errorReason)).toBe('UNSUPPORTED_CODEC');
    expect(letter.headers.text(DEAD_LETTER.errorMessage)).toMatch(/up to offset 3: codec 3/);
    expect(letter.value?.length).toBeGreaterThan(60);
  }
});

test('the topics that we make unpack what foreign producers packed', async () => {
  const topic = await fixture.topic(1);
  await sendCompressed(topic, LZ4, [1, 2, 3]);
  expect((await fixture.readAll(topic)).map(numberOf)).toEqual([1, 2, 3]);
});
