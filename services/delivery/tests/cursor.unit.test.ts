import { Code, RpcError } from '@realchat/rpc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cursors, epochTag } from '../domain/cursor.ts';

const cursors = new Cursors('one secret of at least 32 characters');
const USER = '0190f5a0-0000-7000-8000-00000000000a';
const places = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 16 });

function refusal(cursor: Uint8Array, userId = USER, by = cursors): RpcError {
  try {
    by.open(cursor, userId);
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('the cursor was taken');
}

function seal(positions: readonly number[], userId = USER): Uint8Array {
  return cursors.seal(cursors.body('epoch-1', positions), userId);
}

describe('a cursor', () => {
  test('comes back as the positions that it was made of, whatever they are', () => {
    fc.assert(
      fc.property(places, (positions) => {
        const place = cursors.open(seal(positions), USER);
        expect(place.positions).toEqual(positions);
        expect(Buffer.from(place.epochTag)).toEqual(Buffer.from(epochTag('epoch-1')));
      }),
    );
  });

  test('of 16 shards fits into the contract however far they are', () => {
    expect(seal(Array.from({ length: 16 }, () => Number.MAX_SAFE_INTEGER)).length).toBeLessThanOrEqual(512);
    expect(seal(Array.from({ length: 16 }, () => 0)).length).toBeLessThan(64);
  });

  test('with any bit changed, cut off or added is refused', () => {
    fc.assert(
      fc.property(places, fc.nat(), fc.nat(7), (positions, at, bit) => {
        const cursor = seal(positions);
        const changed = Buffer.from(cursor);
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ (1 << bit);
        expect(refusal(changed).reason).toBe('CURSOR_INVALID');
        expect(refusal(cursor.subarray(0, at % cursor.length)).reason).toBe('CURSOR_INVALID');
        expect(refusal(Buffer.concat([cursor, Buffer.of(bit)])).reason).toBe('CURSOR_INVALID');
      }),
    );
  });

  test('of another user or another secret is refused', () => {
    const cursor = seal([1, 2]);
    expect(refusal(cursor, 'someone else')).toMatchObject({ code: Code.INVALID_ARGUMENT, reason: 'CURSOR_INVALID' });
    expect(refusal(cursor, USER, new Cursors('another secret of 32 characters!'))).toMatchObject({
      reason: 'CURSOR_INVALID',
    });
  });

  test('of garbage is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => {
        expect(refusal(bytes).reason).toBe('CURSOR_INVALID');
      }),
    );
  });

  test('that is authentic but of a form that is not known is refused', () => {
    const bodies = [
      [],
      [2],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 5],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5, 5],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    for (const body of bodies) expect(refusal(cursors.seal(Buffer.from(body), USER)).reason).toBe('CURSOR_INVALID');
  });
});
