import { describe, expect, test } from 'vitest';
import { Code, statusOf } from '../index.ts';
import { linkedPair } from './linked-pair.ts';
import { openedCall, request } from './opened-call.ts';
import { codes, numbered, recordingCaller, same } from './recording.ts';

describe('messages', () => {
  test.each([0, 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1_000_000, 4 * 1024 * 1024])(
    'of %i bytes arrive whole',
    (length) => {
      const { call, answer, caller, callee, settle, credits } = openedCall();
      call.send(numbered(1, length));
      settle();
      answer.send(numbered(2, length));
      answer.end(statusOf(Code.OK));
      settle();
      expect(same(callee.messages, [numbered(1, length)])).toBe(true);
      expect(same(caller.messages, [numbered(2, length)])).toBe(true);
      expect(codes(caller)).toEqual(['OK']);
      expect(credits.least()).toBeGreaterThanOrEqual(0);
      expect(credits.largestPiece()).toBeLessThanOrEqual(16 * 1024);
    },
  );

  test('above the limit end the call before a byte of them leaves', () => {
    const { call, caller, callee, settle } = openedCall();
    call.send(new Uint8Array(4 * 1024 * 1024 + 1));
    settle();
    expect([codes(caller), codes(callee), callee.messages.length]).toEqual([['RESOURCE_EXHAUSTED'], ['CANCELLED'], 0]);
  });

  test('stop when the receiver pauses, and go on when it resumes', () => {
    const { call, answer, callee, settle, client } = openedCall();
    answer.pause();
    let sent = 0;
    while (call.send(numbered(sent++, 1000)));
    settle();
    expect(callee.messages).toEqual([]);
    for (let index = 0; index < 100; index++) call.send(numbered(sent++, 1000));
    settle();
    expect(client.multiplexer.queuedBytes).toBeGreaterThan(0);
    answer.resume();
    settle();
    expect(
      same(
        callee.messages,
        Array.from({ length: sent }, (_, index) => numbered(index, 1000)),
      ),
    ).toBe(true);
    expect(client.multiplexer.queuedBytes).toBe(0);
  });

  test('hold one large message for a callee that pauses, and not the next', () => {
    const { call, answer, callee, settle, client } = openedCall();
    answer.pause();
    call.send(numbered(1, 1_000_000));
    call.send(numbered(2, 1_000_000));
    settle();
    expect(client.multiplexer.queuedBytes).toBeGreaterThan(900_000);
    answer.resume();
    settle();
    expect(same(callee.messages, [numbered(1, 1_000_000), numbered(2, 1_000_000)])).toBe(true);
  });

  test('tell the sender when there is room again', () => {
    const { call, caller, settle } = openedCall();
    expect(call.send(new Uint8Array(100))).toBe(true);
    expect(call.send(new Uint8Array(70_000))).toBe(false);
    expect(caller.drained).toBe(0);
    settle();
    expect(caller.drained).toBe(1);
    expect(call.send(new Uint8Array(100))).toBe(true);
  });

  test('of a large size do not block the small ones of other calls', () => {
    const order: number[] = [];
    const pair = linkedPair(({ id }) => ({ message: () => void order.push(id), closed: () => {} }));
    const large = pair.client.multiplexer.call(request, recordingCaller().listener);
    const small = pair.client.multiplexer.call(request, recordingCaller().listener);
    large.send(new Uint8Array(60_000));
    small.send(Uint8Array.of(7));
    pair.settle();
    expect(order).toEqual([small.id, large.id]);
  });

  test('end the call that the session has no room for', () => {
    const { call, client, caller } = openedCall({ maxQueuedBytes: 100_000 });
    const other = recordingCaller();
    client.multiplexer.call(request, other.listener).send(new Uint8Array(90_000));
    call.send(new Uint8Array(20_000));
    expect([codes(caller), codes(other.heard)]).toEqual([['RESOURCE_EXHAUSTED'], []]);
  });

  test('for a call that is over are dropped', () => {
    const { call, answer, callee, caller, settle, server } = openedCall();
    answer.end(statusOf(Code.OK));
    call.send(Uint8Array.of(1));
    settle();
    expect([codes(caller), callee.messages, server.errors]).toEqual([['OK'], [], []]);
  });
});
