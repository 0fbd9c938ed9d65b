import { describe, expect, test } from 'vitest';
import { FactRing } from '../domain/fact-ring.ts';
import { placeOf } from '../domain/log-place.ts';
import { StreamBook } from '../domain/stream-book.ts';
import { newStreamRecord } from './new-stream-record.ts';

const ALL = 1_000_000;

describe('a ring of facts', () => {
  test('finds what was noted, until so much came after it that it is forgotten, and says which is which', () => {
    const ring = new FactRing(3);
    expect(ring.find(placeOf(1, 1))).toBeUndefined();
    expect(ring.remembers(placeOf(1, 1))).toBe(true);
    for (const position of [1, 3, 5]) ring.note(placeOf(1, position), position * 10, position * 100);
    expect(ring.find(placeOf(1, 3))).toEqual({ at: 30, detail: 300 });
    expect(ring.remembers(placeOf(1, 2))).toBe(true);
    ring.note(placeOf(1, 7), 70, 700);
    expect(ring.find(placeOf(1, 1))).toBeUndefined();
    expect([1, 2, 3].map((position) => ring.remembers(placeOf(1, position)))).toEqual([false, false, false]);
    expect([4, 6, 9].map((position) => ring.remembers(placeOf(1, position)))).toEqual([true, true, true]);
    expect(ring.remembers(placeOf(2, 4))).toBe(false);
  });

  test('tells the largest position of a shard from that of another', () => {
    const ring = new FactRing(2);
    ring.note(placeOf(63, 2 ** 46), 1, 1);
    expect(ring.find(placeOf(62, 2 ** 46))).toBeUndefined();
    expect(ring.find(placeOf(63, 2 ** 46))).toEqual({ at: 1, detail: 1 });
  });
});

describe('the record of a stream', () => {
  const fate = (record: ReturnType<typeof newStreamRecord>, position: number, written = ALL) =>
    record.pushOf(0, position, written).fate;

  test('with a cursor: covered up to there, back-filled up to where it caught up, live from then on', () => {
    const record = newStreamRecord({ after: [5], tails: () => [20] });
    record.handed(placeOf(0, 7), performance.now(), 1);
    expect([5, 6, 7].map((position) => fate(record, position))).toEqual(['covered', 'opening', 'pushed']);
    record.caughtUp([10]);
    record.handed(placeOf(0, 12), performance.now() + 1, 3);
    expect([5, 7, 12, 21].map((position) => fate(record, position))).toEqual(['covered', 'pushed', 'pushed', 'unread']);
    expect([7, 12].map((position) => record.pushOf(0, position, ALL).backfill)).toEqual([true, false]);
    expect(fate(record, 13), 'read by the node, and not handed over').toBe('passed-over');
  });

  test('without a cursor, or started over: what was before is for the client to list', () => {
    const fresh = newStreamRecord({ tails: () => [20] });
    fresh.caughtUp([10]);
    expect([10, 11].map((position) => fate(fresh, position))).toEqual(['before', 'passed-over']);
    const over = newStreamRecord({ after: [5], tails: () => [20] });
    over.startedOver();
    over.caughtUp([10]);
    expect(fate(over, 7)).toBe('before');
  });

  test('what waits for the device is no push, and is dropped when the stream ends', () => {
    const record = newStreamRecord({ tails: () => [20] });
    record.caughtUp([10]);
    for (const [index, position] of [11, 12, 13].entries()) record.handed(placeOf(0, position), 1, index + 1);
    expect([11, 12, 13].map((position) => fate(record, position, 2))).toEqual(['pushed', 'pushed', 'waiting']);
    record.ended('slow-consumer', 2);
    expect([12, 13].map((position) => fate(record, position, 0))).toEqual(['pushed', 'dropped']);
  });

  test('what the node read after the end is unread, however far the node comes', () => {
    let tail = 20;
    const record = newStreamRecord({ tails: () => [tail] });
    record.caughtUp([10]);
    record.ended('cancelled', 0);
    tail = 30;
    expect([20, 21, 30].map((position) => fate(record, position))).toEqual(['passed-over', 'unread', 'unread']);
  });

  test('what was pushed too long ago is forgotten, never held to be missing', () => {
    const record = newStreamRecord({ tails: () => [10_000] });
    record.caughtUp([10]);
    for (let position = 11; position <= 300; position++) record.handed(placeOf(0, position), position, position);
    expect([11, 100, 300].map((position) => fate(record, position))).toEqual(['forgotten', 'forgotten', 'pushed']);
  });
});

describe('a book of streams', () => {
  const stream = (userId: string) => ({ userId, record: newStreamRecord({ userId }), written: 0, waiting: 0 });

  test('knows those that are open and the newest that ended, and of whom it has forgotten some', () => {
    const book = new StreamBook({ ended: 2, forgotten: 1 });
    const [a, b, c, open] = [stream('a'), stream('a'), stream('a'), stream('a')];
    const other = stream('b');
    for (const each of [a, b, c, open, other]) book.opened(each);
    for (const each of [a, b]) {
      each.record.ended('cancelled', 0);
      book.ended(each);
    }
    expect(book.hasForgotten('a', 0)).toBe(false);
    expect(book.find('a', 'e', 0).map(({ record }) => record)).toEqual([a, b, c, open].map(({ record }) => record));
    c.record.ended('draining', 0);
    book.ended(c);
    const endOfA = a.record.end?.at ?? 0;
    expect([endOfA, endOfA + 0.001].map((since) => book.hasForgotten('a', since))).toEqual([true, false]);
    expect(book.hasForgotten('b', 0), 'what was forgotten of another').toBe(false);
    expect(book.find('a', 'e', 0).map(({ record }) => record)).toEqual([b, c, open].map(({ record }) => record));
    expect(book.find('a', 'e', performance.now() + 1).map(({ record }) => record)).toEqual([open.record]);
    expect(book.find('a', 'another log', 0)).toEqual([]);
    expect(book.find('b', 'e', 0)).toHaveLength(1);
  });

  test('when it has forgotten of too many users to know of whom, it may have forgotten of anyone', () => {
    const book = new StreamBook({ ended: 1, forgotten: 2 });
    const streams = ['a', 'b', 'c', 'd'].map(stream);
    for (const each of streams) {
      book.opened(each);
      each.record.ended('cancelled', 0);
      book.ended(each);
    }
    const [endOfA = 0, , endOfC = 0] = streams.map(({ record }) => record.end?.at);
    // Of a, b and c the streams are forgotten, and of a that it was a's.
    expect(book.hasForgotten('c', endOfC)).toBe(true);
    expect(book.hasForgotten('z', endOfA)).toBe(true);
    expect(book.hasForgotten('z', endOfA + 0.0001)).toBe(false);
  });
});
