import { describe, expect, test } from 'vitest';
import { Code, metadataOf, statusOf } from '../index.ts';
import { linkedPair } from './linked-pair.ts';
import { openedCall, request } from './opened-call.ts';
import { codes, recordingCallee, recordingCaller } from './recording.ts';

describe('a call', () => {
  test('carries metadata, messages both ways, headers, trailers and status', () => {
    const callee = recordingCallee();
    const pair = linkedPair(callee.accept);
    const ended: unknown[] = [];
    const call = pair.client.multiplexer.call(
      {
        method: request.method,
        metadata: [metadataOf('x-a', '1'), metadataOf('x-b-bin', Uint8Array.of(0, 255))],
        timeoutMs: 1500,
      },
      {
        message: (message) => ended.push(message),
        headers: (headers) => ended.push(headers),
        end: (...end) => ended.push(end),
      },
    );
    call.send(Uint8Array.of(1));
    call.halfClose();
    pair.settle();
    const { call: answer, heard } = callee.taken.get(1) ?? expect.fail('not taken');
    expect(answer.request.method).toBe(request.method);
    expect(answer.request.timeoutMs).toBe(1500);
    expect(answer.request.metadata.map(({ name, text, binary }) => [name, text, [...binary]])).toEqual([
      ['x-a', '1', []],
      ['x-b-bin', '', [0, 255]],
    ]);
    expect([heard.messages, heard.halfClosed]).toEqual([[Uint8Array.of(1)], 1]);
    answer.headers([metadataOf('x-h', 'h')]);
    answer.send(Uint8Array.of(2));
    answer.end(statusOf(Code.NOT_FOUND, 'no'), [metadataOf('x-t', 't')]);
    pair.settle();
    expect(ended).toEqual([
      [metadataOf('x-h', 'h')],
      Uint8Array.of(2),
      [statusOf(Code.NOT_FOUND, 'no'), [metadataOf('x-t', 't')]],
    ]);
    expect(codes(heard)).toEqual(['NOT_FOUND']);
    expect([pair.client.multiplexer.openCalls, pair.server.multiplexer.openCalls]).toEqual([0, 0]);
  });

  test('that is cancelled ends at once here, and at the callee when it hears of it', () => {
    const { call, caller, callee, client, server, settle } = openedCall();
    call.cancel();
    expect(codes(caller)).toEqual(['CANCELLED']);
    expect(client.multiplexer.openCalls).toBe(1);
    settle();
    expect(codes(callee)).toEqual(['CANCELLED']);
    expect([client.multiplexer.openCalls, server.multiplexer.openCalls]).toEqual([0, 0]);
  });

  test('that is cancelled before it has left is never seen by the peer', () => {
    const callee = recordingCallee();
    const pair = linkedPair(callee.accept);
    const caller = recordingCaller();
    pair.client.multiplexer.call(request, caller.listener).cancel();
    pair.settle();
    expect([codes(caller.heard), callee.taken.size, pair.client.multiplexer.openCalls]).toEqual([['CANCELLED'], 0, 0]);
  });

  test('ends by its deadline at both ends, whichever hears of it', async () => {
    const callee = recordingCallee();
    const pair = linkedPair(callee.accept);
    const caller = recordingCaller();
    pair.client.multiplexer.call({ ...request, timeoutMs: 20 }, caller.listener);
    pair.settle();
    await expect
      .poll(() => [codes(caller.heard), codes(callee.taken.get(1)?.heard ?? expect.fail())])
      .toEqual([['DEADLINE_EXCEEDED'], ['DEADLINE_EXCEEDED']]);
    pair.settle();
    expect([pair.client.multiplexer.openCalls, pair.server.multiplexer.openCalls]).toEqual([0, 0]);
  });

  test('whose time is up already is not taken', () => {
    const callee = recordingCallee();
    const pair = linkedPair(callee.accept);
    const caller = recordingCaller();
    pair.client.multiplexer.call({ ...request, timeoutMs: 0 }, caller.listener);
    pair.settle();
    expect([codes(caller.heard), callee.taken.size]).toEqual([['DEADLINE_EXCEEDED'], 0]);
  });

  test('whose application throws ends with INTERNAL, and the session goes on', () => {
    const pair = linkedPair(() => {
      throw new Error('a fault of ours');
    });
    const first = recordingCaller();
    pair.client.multiplexer.call(request, first.listener);
    pair.settle();
    expect([codes(first.heard), first.heard.ends[0]?.message]).toEqual([['INTERNAL'], 'internal error']);
    expect([pair.server.errors, pair.server.applicationErrors.length]).toEqual([[], 1]);
  });

  test('with an end that is too large for a frame keeps its code', () => {
    const { answer, caller, settle } = openedCall();
    const huge = { typeUrl: 'type.googleapis.com/x', value: new Uint8Array(100_000) };
    answer.end({
      ...statusOf(Code.ABORTED, 'x'.repeat(5000)),
      details: [{ $typeName: 'google.protobuf.Any', ...huge }],
    });
    settle();
    expect([codes(caller), caller.ends[0]?.message.length]).toEqual([['ABORTED'], 1024]);
  });
});
