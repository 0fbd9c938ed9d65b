import { CONVERSATION_EVENTS, coordinatesOf, type EventRecord, type OutgoingRecord } from '@realchat/eventlog';
import { until } from '@realchat/testkit';
import { inject, sendUnacceptable } from '../../e2e/support/plain-kafka.ts';
import { poisonForAccounts, poisonForDelivery } from '../../e2e/support/poison.ts';
import { countRecords, readDeadLetters, withEventLog } from '../../e2e/support/topic.ts';
import type { Fault, Field } from './field.ts';

/** Records that are sent again at most, the newest: what a topic holds after an hour is not read again in a fault's time. */
const REPLAYED = 20_000;
/** Of one partition in one batch: well below what a broker takes. */
const BATCH_BYTES = 256 * 1024;
const PER_KIND = 4;

/** F-15 and F-16: what does not belong into the topic, and what is there already. */
export const topics: Fault[] = [
  {
    id: 'F-15',
    title: 'records that cannot be read, or not handled, are put among the good ones by a plain Kafka client',
    async run(field) {
      const kinds = [...poisonForDelivery(), ...poisonForAccounts('nobody').poison];
      const records = [...misplaced(field), ...kinds.map(({ record }) => record)];
      const names = await inject(field.mesh, records);
      for (const record of names) field.journal.write({ type: 'poison', record });
      const refused = await sendUnacceptable(field.mesh);
      const found = async () => {
        const letters = new Set(await readDeadLetters(field.mesh));
        return names.every((name) => letters.has(name));
      };
      await until('every one is a dead letter', found, 30_000).catch(() => {
        // The checker tells which is not.
      });
      return {
        bit: names.length === records.length && !refused.includes('accepted'),
        proof: `${names.length} records were appended; one too large and one of an unknown codec: ${refused.join(', ')}`,
      };
    },
  },
  {
    id: 'F-16',
    title: 'the topic, from its first record on, is appended to itself: every reader gets what it had',
    recordsTwice: REPLAYED,
    async run(field) {
      const before = await countRecords(field.mesh);
      const sent = await withEventLog(field.mesh, async (eventLog) => {
        const records: EventRecord[] = [];
        const tail = eventLog.tail({
          reader: 'replay',
          topics: [CONVERSATION_EVENTS.name],
          from: 'earliest',
          onRecords: (run) => void records.push(...run),
        });
        await until('the topic is read', () => records.length >= before, 30_000);
        await tail.stop();
        // What was made unreadable stays as it is: a copy would be one more of it.
        const poison = new Set(field.journal.lines.flatMap((line) => (line.type === 'poison' ? [line.record] : [])));
        const good = records.filter((record) => !poison.has(coordinatesOf(record)));
        const again = good.slice(-REPLAYED);
        const producer = eventLog.producer();
        for (const batch of batchesOf(again)) await producer.send(batch.map(toOutgoing));
        await producer.stop();
        return again.length;
      });
      return { bit: sent > 0, proof: `${sent} records were appended again` };
    },
  },
];

/** In the order in which they were read. */
function* batchesOf(records: readonly EventRecord[]): Generator<EventRecord[]> {
  let [batch, bytes]: [EventRecord[], number] = [[], 0];
  for (const record of records) {
    const size = record.value?.length ?? 0;
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function toOutgoing({ topic, partition, key, value, headers }: EventRecord): OutgoingRecord {
  return { topic, partition, key, value, headers: headers.toOutgoing() };
}

/** What a header or the lack of one makes unreadable, of each kind a few: without headers, with a place that is none, of another shard, without a key, without a value. */
function misplaced({ cast, random }: Field): OutgoingRecord[] {
  const conversation = cast.conversations[0] ?? '';
  const good = { 'conversation-id': conversation, seq: '1', position: '1', type: '1' };
  const value = new TextEncoder().encode('no event at all');
  const kinds = (partition: number): Omit<OutgoingRecord, 'topic' | 'partition'>[] => [
    { key: conversation, value },
    { key: conversation, value, headers: { ...good, shard: String(partition), position: 'minus one' } },
    { key: conversation, value, headers: { ...good, shard: String((partition + 1) % CONVERSATION_EVENTS.partitions) } },
    { key: null, value, headers: { ...good, shard: String(partition) } },
    { key: conversation, value: null, headers: { ...good, shard: String(partition) } },
  ];
  return Array.from({ length: PER_KIND }, () => Math.floor(random() * CONVERSATION_EVENTS.partitions)).flatMap(
    (partition) => kinds(partition).map((record) => ({ ...record, topic: CONVERSATION_EVENTS.name, partition })),
  );
}
