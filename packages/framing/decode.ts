import { EMPTY, Kind, type WireFrame } from './frame.ts';
import { malformed } from './session-error.ts';

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const FRAMES_FIELD = 1;
const CALL_FIELD = 1;
const MAX_VARINT_BYTES = 10;
const MAX_UINT32 = 2 ** 32 - 1;

const knownKinds: ReadonlySet<number> = new Set(Object.values(Kind));

/**
 * Decodes one `Frames` and hands on each frame of a known kind, in order. Payloads are views into `bytes`: nothing is copied.
 *
 * @throws SessionError when the bytes are no `Frames`; the frames before the fault have been handed on.
 */
export function decodeFrames(bytes: Uint8Array, handle: (frame: WireFrame) => void): void {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag >>> 3 !== FRAMES_FIELD) {
      reader.skip(tag);
      continue;
    }
    expectWireType(tag, LENGTH_DELIMITED);
    const frame = decodeFrame(reader.delimited());
    if (frame !== undefined) handle(frame);
  }
}

function decodeFrame(bytes: Uint8Array): WireFrame | undefined {
  const reader = new Reader(bytes);
  let call = 0;
  let kind: Kind | undefined;
  let payload = EMPTY;
  while (!reader.done) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === CALL_FIELD) {
      expectWireType(tag, VARINT);
      call = reader.uint32();
    } else if (knownKinds.has(field)) {
      expectWireType(tag, LENGTH_DELIMITED);
      kind = field as Kind;
      payload = reader.delimited();
    } else {
      reader.skip(tag);
    }
  }
  return kind === undefined ? undefined : { call, kind, payload };
}

function expectWireType(tag: number, wireType: number): void {
  if ((tag & 7) !== wireType) throw malformed(`field ${tag >>> 3} has wire type ${tag & 7}`);
}

/** Reads protobuf's wire format; whatever it cannot read is a SessionError. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint32(): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at += 1;
      return first;
    }
    let value = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed('a number is cut short');
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) {
        if (value > MAX_UINT32) throw malformed('a number is larger than 32 bits');
        return value;
      }
    }
    throw malformed('a number has no end');
  }

  delimited(): Uint8Array {
    const length = this.uint32();
    const start = this.#at;
    this.#advance(length);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Steps over the value of a field that is not known here. */
  skip(tag: number): void {
    if (tag >>> 3 === 0) throw malformed('field 0');
    const wireType = tag & 7;
    if (wireType === VARINT) this.#skipVarint();
    else if (wireType === FIXED64) this.#advance(8);
    else if (wireType === LENGTH_DELIMITED) this.#advance(this.uint32());
    else if (wireType === FIXED32) this.#advance(4);
    else throw malformed(`wire type ${wireType}`);
  }

  #skipVarint(): void {
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed('a number is cut short');
      if (byte < 0x80) return;
    }
    throw malformed('a number has no end');
  }

  #advance(length: number): void {
    if (length > this.#bytes.length - this.#at) throw malformed('a field is longer than what holds it');
    this.#at += length;
  }
}
