import { describe, expect, test } from 'vitest';
import { linkedPair } from './linked-pair.ts';
import { openedCall, request } from './opened-call.ts';
import { codes, numbered, recordingCallee, recordingCaller } from './recording.ts';

describe('a session', () => {
  test('writes what one turn has gathered at once', () => {
    const callee = recordingCallee();
    const pair = linkedPair(callee.accept);
    for (let index = 0; index < 50; index++)
      pair.client.multiplexer.call(request, recordingCaller().listener).send(numbered(index, 200));
    pair.client.turn();
    expect(pair.client.written.length).toBe(1);
    pair.settle();
    expect(callee.taken.size).toBe(50);
  });

  test('writes nothing while its channel has enough', () => {
    const { call, client, callee, settle } = openedCall();
    client.writable = false;
    call.send(Uint8Array.of(1));
    settle();
    call.send(Uint8Array.of(2));
    settle();
    expect(callee.messages).toEqual([Uint8Array.of(1)]);
    client.multiplexer.writable();
    settle();
    expect(callee.messages).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  });

  test('that ends ends every call of both ends once', () => {
    const { client, caller, callee, server, call } = openedCall();
    client.multiplexer.close();
    server.multiplexer.close();
    client.multiplexer.close();
    call.cancel();
    expect([codes(caller), codes(callee)]).toEqual([['UNAVAILABLE'], ['UNAVAILABLE']]);
    expect(() => client.multiplexer.call(request, recordingCaller().listener)).toThrow('the session has ended');
  });

  test('opens no more calls than agreed, and counts a cancelled one until its end', () => {
    const { client, call, settle } = openedCall({ maxCalls: 1 });
    const again = () => client.multiplexer.call(request, recordingCaller().listener);
    expect(again).toThrow('1 calls are open');
    call.cancel();
    expect(again).toThrow('1 calls are open');
    settle();
    again();
  });

  test('answers a flood of pings with as little as one pong', () => {
    const { client, server, settle, credits } = openedCall();
    const before = credits.writes('server');
    for (let nonce = 1n; nonce <= 1000n; nonce++) {
      client.multiplexer.send({ case: 'ping', value: { $typeName: 'realchat.transport.v1.Ping', nonce } });
    }
    settle();
    expect(client.sessionFrames.map(({ value }) => value)).toMatchObject([{ nonce: 1000n }]);
    expect(credits.writes('server')).toBe(before + 1);
    expect(server.errors).toEqual([]);
  });
});
