import { create, toBinary } from '@bufbuild/protobuf';
import { CreditSchema, EndSchema, HeadersSchema, OpenSchema } from '@realchat/gen/realchat/transport/v1/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrames } from '../encode.ts';
import { EMPTY, Kind, type WireFrame } from '../frame.ts';
import { Multiplexer, type SessionError } from '../index.ts';
import { codes, recordingCallee, recordingCaller } from './recording.ts';

const open = (
  call: number,
  method = '/a.B/C',
  metadata: { name: string; text?: string; binary?: Uint8Array }[] = [],
): WireFrame => ({
  call,
  kind: Kind.open,
  payload: toBinary(OpenSchema, create(OpenSchema, { method, metadata })),
});
const message = (call: number, bytes: number, kind: Kind = Kind.message): WireFrame => ({
  call,
  kind,
  payload: new Uint8Array(bytes),
});
const credit = (call: number, bytes: number): WireFrame => ({
  call,
  kind: Kind.credit,
  payload: toBinary(CreditSchema, create(CreditSchema, { bytes })),
});

/** A server, and a peer that writes what it likes. */
function attacked(limits = {}) {
  const errors: SessionError[] = [];
  const written: Uint8Array[] = [];
  const callee = recordingCallee((call) => call.pause());
  const server = new Multiplexer({
    role: 'server',
    limits,
    channel: { write: (bytes) => written.push(bytes) > 0 },
    failed: (error) => void errors.push(error),
    schedule: () => {},
  });
  server.accept = callee.accept;
  const send = (...frames: WireFrame[]): void => {
    for (const frame of frames) server.receive(encodeFrames([frame]));
  };
  const heard = (call: number) => callee.taken.get(call)?.heard ?? expect.fail('not taken');
  return { server, send, errors, heard, taken: callee.taken, written };
}

test('more than there is credit for ends the call, not the session', () => {
  const { send, heard, errors } = attacked();
  send(open(1), message(1, 16_000), message(1, 16_000), message(1, 16_000), message(1, 16_000));
  expect(codes(heard(1))).toEqual([]);
  send(message(1, 16_000));
  expect([codes(heard(1)), errors]).toEqual([['RESOURCE_EXHAUSTED'], []]);
});

test('empty messages are not free', () => {
  const { send, heard } = attacked();
  send(open(1), ...Array.from({ length: 2048 }, () => message(1, 0)));
  expect(codes(heard(1))).toEqual([]);
  send(message(1, 0));
  expect(codes(heard(1))).toEqual(['RESOURCE_EXHAUSTED']);
});

test('a piece that is too large ends the call', () => {
  const { send, heard } = attacked();
  send(open(1), message(1, 16 * 1024 + 1));
  expect(codes(heard(1))).toEqual(['RESOURCE_EXHAUSTED']);
});

test('a message that is too large ends the call, and what it held is free again', () => {
  const { send, heard } = attacked({ maxHeldBytes: 5 * 1024 * 1024 });
  const part = message(1, 16 * 1024, Kind.part);
  send(open(1), ...Array.from({ length: 256 }, () => part), message(1, 1));
  expect(codes(heard(1))).toEqual(['RESOURCE_EXHAUSTED']);
  send(open(3), ...Array.from({ length: 256 }, () => ({ ...part, call: 3 })));
  expect(codes(heard(3))).toEqual([]);
});

test('a session holds so many bytes and no more, whatever the calls', () => {
  const { send, heard } = attacked({ maxHeldBytes: 1024 * 1024 });
  const parts = (call: number) => Array.from({ length: 40 }, () => message(call, 16 * 1024, Kind.part));
  send(open(1), ...parts(1), open(3), ...parts(3));
  expect([codes(heard(1)), codes(heard(3))]).toEqual([[], ['RESOURCE_EXHAUSTED']]);
});

test.each<[string, WireFrame[]]>([
  ['a message after half_close', [{ call: 1, kind: Kind.halfClose, payload: EMPTY }, message(1, 1)]],
  [
    'half_close twice',
    [
      { call: 1, kind: Kind.halfClose, payload: EMPTY },
      { call: 1, kind: Kind.halfClose, payload: EMPTY },
    ],
  ],
  ['half_close within a message', [message(1, 5, Kind.part), { call: 1, kind: Kind.halfClose, payload: EMPTY }]],
  [
    'headers from the caller',
    [{ call: 1, kind: Kind.headers, payload: toBinary(HeadersSchema, create(HeadersSchema)) }],
  ],
  ['an end from the caller', [{ call: 1, kind: Kind.end, payload: toBinary(EndSchema, create(EndSchema)) }]],
])('%s ends the call with INTERNAL', (_, frames) => {
  const { send, heard, errors } = attacked();
  send(open(1), ...frames);
  expect([codes(heard(1)), errors]).toEqual([['INTERNAL'], []]);
});

test.each<[string, WireFrame, string]>([
  ['a malformed method', open(1, 'no-slash'), 'INVALID_ARGUMENT'],
  ['a name in upper case', open(1, '/a.B/C', [{ name: 'X-A', text: '1' }]), 'INVALID_ARGUMENT'],
  ['a line break in a value', open(1, '/a.B/C', [{ name: 'x-a', text: '1\r\nx-user-id: 2' }]), 'INVALID_ARGUMENT'],
  ['bytes under a text name', open(1, '/a.B/C', [{ name: 'x-a', binary: Uint8Array.of(1) }]), 'INVALID_ARGUMENT'],
  ['text under a binary name', open(1, '/a.B/C', [{ name: 'x-a-bin', text: '1' }]), 'INVALID_ARGUMENT'],
  ['too much metadata', open(1, '/a.B/C', [{ name: 'x-a', text: '1'.repeat(8200) }]), 'RESOURCE_EXHAUSTED'],
])('a call with %s is not taken', (_, frame, code) => {
  const { send, taken, server, written, errors } = attacked();
  send(frame);
  server.flush();
  const caller = recordingCaller();
  const client = new Multiplexer({
    role: 'client',
    channel: { write: () => true },
    failed: () => {},
    schedule: () => {},
  });
  client.call({ method: '/a.B/C', metadata: [], timeoutMs: undefined }, caller.listener);
  for (const bytes of written) client.receive(bytes);
  expect([codes(caller.heard), taken.size, errors]).toEqual([[code], 0, []]);
});

test.each<[string, WireFrame[], string]>([
  ['a call of the wrong parity', [open(2)], 'protocol'],
  ['a call number that goes back', [open(3), open(1)], 'protocol'],
  ['the same call twice', [open(1), open(1)], 'protocol'],
  ['a call 0', [open(0)], 'protocol'],
  ['a message on call 0', [message(0, 1)], 'protocol'],
  ['a ping on a call', [{ call: 1, kind: Kind.ping, payload: EMPTY }], 'protocol'],
  ['a malformed open', [{ call: 1, kind: Kind.open, payload: Uint8Array.of(0x0a, 0x05, 0x01) }], 'protocol'],
  ['a malformed credit', [open(1), { call: 1, kind: Kind.credit, payload: Uint8Array.of(0xff) }], 'protocol'],
  ['more calls than agreed', [open(1), open(3), open(5)], 'too_many_calls'],
])('%s ends the session', (_, frames, reason) => {
  const { send, errors, server } = attacked({ maxCalls: 2 });
  send(...frames);
  expect(errors.map((error) => error.reason)).toEqual([reason]);
  expect(server.openCalls).toBe(0);
  send(open(101));
  expect(errors.length).toBe(1);
});

test('frames of calls that are not known are ignored', () => {
  const { send, errors } = attacked();
  send(message(77, 10), credit(77, 1), { call: 78, kind: Kind.cancel, payload: EMPTY });
  expect(errors).toEqual([]);
});

test('a credit of any size does no harm', () => {
  const { send, errors, heard, taken } = attacked();
  send(open(1), credit(1, 0), ...Array.from({ length: 100 }, () => credit(1, 2 ** 32 - 1)));
  taken.get(1)?.call.send(new Uint8Array(1000));
  expect([errors, codes(heard(1))]).toEqual([[], []]);
});

test('more bytes at once than allowed are refused unread', () => {
  const { server, errors } = attacked();
  server.receive(new Uint8Array(128 * 1024 + 1));
  expect(errors.map(({ reason }) => reason)).toEqual(['protocol']);
});

test('whatever bytes come, receive does not throw, and each call ends at most once', () => {
  const anyFrame = fc.record({
    call: fc.integer({ min: 0, max: 9 }),
    kind: fc.constantFrom<Kind>(...Object.values(Kind)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constant(EMPTY),
      fc.constant(open(1).payload),
      fc.constant(credit(1, 9).payload),
    ),
  });
  const input = fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    { weight: 8, arbitrary: fc.array(anyFrame, { maxLength: 5 }).map((frames) => encodeFrames(frames)) },
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
      const { server, taken, errors } = attacked();
      server.receive(encodeFrames([open(1), open(3)]));
      for (const bytes of inputs) server.receive(bytes);
      server.flush();
      server.close();
      expect(errors.length).toBeLessThanOrEqual(1);
      for (const { heard } of taken.values()) expect([heard.ends.length, heard.late]).toEqual([1, 0]);
    }),
    { numRuns: 1000 },
  );
});
