import { create, toBinary } from '@bufbuild/protobuf';
import { type Frame, FramesSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { webSocketFrame } from './raw-socket.ts';

/** What a client says on a WebSocket after the handshake that it must not say, and the codes with which it may be closed. */
export interface BadSpeech {
  what: string;
  say: Buffer;
  codes: number[];
}

const BINARY = 0x82;
const TEXT = 0x81;
const KIB = 1024;

type FrameInit = Pick<Frame, 'call'> & { kind: { case: string; value: unknown } };

/** One message of the framing, as a WebSocket message. */
function framesMessage(...frames: FrameInit[]): Buffer {
  return webSocketFrame({ head: BINARY }, toBinary(FramesSchema, create(FramesSchema, { frames: frames as never })));
}

export const hello = framesMessage({ call: 0, kind: { case: 'hello', value: { accessToken: '' } } });
const open = (call: number, method = '/realchat.auth.v1.AuthService/Login') =>
  framesMessage({ call, kind: { case: 'open', value: { method } } });

/** Faults of the WebSocket protocol itself (RFC 6455). */
export const badWebSocket: BadSpeech[] = [
  { what: 'an unmasked frame', say: webSocketFrame({ head: BINARY, masked: false }, Buffer.from('x')), codes: [1002] },
  { what: 'reserved bits', say: webSocketFrame({ head: BINARY | 0x70 }, Buffer.from('x')), codes: [1002] },
  { what: 'an opcode that there is not', say: webSocketFrame({ head: 0x83 }, Buffer.from('x')), codes: [1002] },
  { what: 'a ping in pieces', say: webSocketFrame({ head: 0x09 }, Buffer.from('x')), codes: [1002] },
  { what: 'a ping of 126 bytes', say: webSocketFrame({ head: 0x89 }, Buffer.alloc(126)), codes: [1002] },
  {
    what: 'the end of a message that never began',
    say: webSocketFrame({ head: 0x80 }, Buffer.from('x')),
    codes: [1002],
  },
  { what: 'a close of one byte', say: webSocketFrame({ head: 0x88 }, Buffer.from([3])), codes: [1002] },
  {
    what: 'a close code that nobody may send',
    say: webSocketFrame({ head: 0x88 }, Buffer.from([0x03, 0xed])),
    codes: [1002],
  },
  {
    what: 'a frame that claims 100 MiB',
    say: webSocketFrame({ head: BINARY, length: 100 * KIB * KIB }),
    codes: [1009],
  },
  {
    what: 'a frame that claims 2⁶³ bytes',
    say: webSocketFrame({ head: BINARY, length: 2 ** 52 }),
    codes: [1002, 1009],
  },
  { what: 'a message of 129 KiB', say: webSocketFrame({ head: BINARY }, Buffer.alloc(129 * KIB)), codes: [1009] },
  {
    what: 'a message of 200,000 pieces of one byte',
    say: Buffer.concat(
      Array.from({ length: 200_000 }, (_, i) => webSocketFrame({ head: i === 0 ? 2 : 0 }, Buffer.from('x'))),
    ),
    codes: [1008, 1009],
  },
  {
    what: 'text that is no UTF-8',
    say: webSocketFrame({ head: TEXT }, Buffer.from([0xc3, 0x28])),
    codes: [1007, 4400],
  },
];

/** Faults of the framing (docs/protocol.md). */
export const badFraming: BadSpeech[] = [
  { what: 'text', say: webSocketFrame({ head: TEXT }, Buffer.from('hello')), codes: [4400] },
  { what: 'bytes that are no frames', say: webSocketFrame({ head: BINARY }, Buffer.alloc(64, 0xfe)), codes: [4400] },
  { what: 'frames cut off', say: webSocketFrame({ head: BINARY }, Buffer.from([0x0a, 0x40, 0x12])), codes: [4400] },
  { what: 'a call before hello', say: open(1), codes: [4400] },
  { what: 'hello twice', say: Buffer.concat([hello, hello]), codes: [4400] },
  {
    what: 'hello on a call',
    say: framesMessage({ call: 1, kind: { case: 'hello', value: { accessToken: '' } } }),
    codes: [4400],
  },
  {
    what: 'a token that is none',
    say: framesMessage({ call: 0, kind: { case: 'hello', value: { accessToken: 'x'.repeat(10_000) } } }),
    codes: [4401],
  },
];

/** Faults after the server's welcome. */
export const badCalls: BadSpeech[] = [
  { what: 'a call of the server’s numbers', say: open(2), codes: [4400] },
  { what: 'a call number that was used', say: Buffer.concat([open(3), open(1)]), codes: [4400] },
  {
    what: 'more calls than may be open',
    say: Buffer.concat(Array.from({ length: 129 }, (_, i) => open(2 * i + 1))),
    codes: [4429],
  },
];
