import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConversationRecord, decodeConversationRecord, encodeConversationRecord } from './conversation-record.ts';
import { PoisonError } from './errors.ts';
import { type EventRecord, Headers, type OutgoingRecord } from './records.ts';

const RECORD: ConversationRecord = {
  shard: 5,
  conversationId: '0190f5a0-0000-7000-8000-00000000000a',
  seq: 7n,
  position: 9_007_199_254_740_993n,
  type: 1,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  event: new Uint8Array([1, 2, 3]),
};

/** A record as it comes back from the broker: everything is bytes. */
function asRead(
  outgoing: OutgoingRecord,
  changes: Partial<Pick<EventRecord, 'partition' | 'key' | 'value'>> = {},
  headers: Record<string, string | undefined> = {},
): EventRecord {
  const bytes: Record<string, Uint8Array> = {};
  for (const [name, value] of Object.entries({ ...outgoing.headers, ...headers })) {
    if (typeof value === 'string') bytes[name] = Buffer.from(value);
  }
  return {
    topic: outgoing.topic,
    partition: outgoing.partition,
    offset: 0n,
    timestampMs: 0,
    key: Buffer.from(String(outgoing.key)),
    value: outgoing.value,
    headers: new Headers(bytes),
    ...changes,
  };
}

function poisonOf(record: EventRecord): string {
  try {
    decodeConversationRecord(record);
  } catch (error) {
    if (error instanceof PoisonError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('a conversation record', () => {
  test('is read as it was written', () => {
    const arbitrary = fc.record({
      shard: fc.nat(15),
      conversationId: fc.uuid(),
      seq: fc.bigInt(0n, 2n ** 62n),
      position: fc.bigInt(1n, 2n ** 62n),
      type: fc.nat(1_000),
      traceparent: fc.constantFrom('', RECORD.traceparent),
      event: fc.uint8Array({ minLength: 1 }),
    });
    fc.assert(
      fc.property(arbitrary, (record) => {
        expect(decodeConversationRecord(asRead(encodeConversationRecord(record)))).toEqual(record);
      }),
    );
  });

  test('goes to the partition of its shard under the key of its conversation', () => {
    expect(encodeConversationRecord(RECORD)).toMatchObject({
      topic: 'realchat.conversation-events.v1',
      partition: 5,
      key: RECORD.conversationId,
    });
  });

  test.each(['conversation-id', 'seq', 'position', 'type', 'shard'])('without the header %s is poison', (name) => {
    const outgoing = encodeConversationRecord(RECORD);
    expect(poisonOf(asRead(outgoing, {}, { [name]: undefined }))).toBe('MISSING_HEADER');
    expect(poisonOf(asRead(outgoing, {}, { [name]: '-1' }))).toBe('MALFORMED_HEADER');
  });

  test('in the partition of another shard, under another key or without a value is poison', () => {
    const outgoing = encodeConversationRecord(RECORD);
    expect(poisonOf(asRead(outgoing, { partition: 6 }))).toBe('WRONG_PARTITION');
    expect(poisonOf(asRead(outgoing, { key: null }))).toBe('KEY_MISMATCH');
    expect(poisonOf(asRead(outgoing, { key: Buffer.from('other') }))).toBe('KEY_MISMATCH');
    expect(poisonOf(asRead(outgoing, { value: null }))).toBe('EMPTY_VALUE');
    expect(poisonOf(asRead(outgoing, { value: new Uint8Array() }))).toBe('EMPTY_VALUE');
  });

  test('of another major schema is poison; of a newer revision, or of the first days, it is read', () => {
    const outgoing = encodeConversationRecord(RECORD);
    const withSchema = (schema: string | undefined) => poisonOf(asRead(outgoing, {}, { schema }));
    expect(withSchema('2.1')).toBe('WRONG_SCHEMA');
    expect(withSchema('one')).toBe('MALFORMED_HEADER');
    expect([withSchema('1.999'), withSchema(undefined)]).toEqual(['none', 'none']);
  });

  test('keeps its event when its trace cannot be used', () => {
    const outgoing = encodeConversationRecord(RECORD);
    const read = decodeConversationRecord(asRead(outgoing, {}, { traceparent: 'ü\n' }));
    expect(read).toMatchObject({ traceparent: '', position: RECORD.position });
  });

  test('never fails in another way, whatever the headers say', () => {
    const headers = fc.dictionary(fc.constantFrom('conversation-id', 'seq', 'position', 'type', 'shard'), fc.string());
    fc.assert(
      fc.property(headers, fc.option(fc.uint8Array()), (texts, value) => {
        const outgoing = { ...encodeConversationRecord(RECORD), headers: texts };
        expect(poisonOf(asRead(outgoing, { value }))).not.toBe('none');
      }),
    );
  });
});
