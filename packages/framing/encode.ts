import type { WireFrame } from './frame.ts';

const FRAMES_TAG = 0x0a;
const CALL_TAG = 0x08;
const LENGTH_DELIMITED = 2;

/** How many bytes a frame takes within `Frames`, its own tag and length included. */
export function encodedSize(frame: WireFrame): number {
  const body = bodySize(frame);
  return 1 + varintSize(body) + body;
}

/** Encodes frames as one `Frames`. The payloads are copied once, into the result. */
export function encodeFrames(frames: readonly WireFrame[]): Uint8Array {
  let size = 0;
  for (const frame of frames) size += encodedSize(frame);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const frame of frames) {
    bytes[at++] = FRAMES_TAG;
    at = writeVarint(bytes, at, bodySize(frame));
    if (frame.call !== 0) {
      bytes[at++] = CALL_TAG;
      at = writeVarint(bytes, at, frame.call);
    }
    at = writeVarint(bytes, at, (frame.kind << 3) | LENGTH_DELIMITED);
    at = writeVarint(bytes, at, frame.payload.length);
    bytes.set(frame.payload, at);
    at += frame.payload.length;
  }
  return bytes;
}

function bodySize({ call, kind, payload }: WireFrame): number {
  const callSize = call === 0 ? 0 : 1 + varintSize(call);
  return callSize + varintSize(kind << 3) + varintSize(payload.length) + payload.length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest !== 0; rest >>>= 7) size += 1;
  return size;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
