import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  EndSchema,
  FrameSchema,
  HeadersSchema,
  type Metadata,
  type Open,
  OpenSchema,
} from '@realchat/gen/realchat/transport/v1/frames';
import { EMPTY, type Kind, type SessionFrame, type WireFrame } from './frame.ts';
import { MAX_CONTROL_BYTES } from './limits.ts';
import { malformed } from './session-error.ts';
import { CallFault, Code, type Status, statusOf } from './status.ts';

const MAX_STATUS_MESSAGE = 1024;

/**
 * Decodes the payload of a frame.
 *
 * @throws SessionError when it cannot be decoded.
 */
export function decode<Desc extends DescMessage>(schema: Desc, payload: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, payload);
  } catch {
    throw malformed(`a malformed ${schema.name}`);
  }
}

export function encodeSession(frame: SessionFrame): WireFrame {
  const field = FrameSchema.fields.find(({ localName }) => localName === frame.case);
  if (field?.message === undefined) throw new TypeError(`no frame of the session: ${frame.case}`);
  return { call: 0, kind: field.number as Kind, payload: toBinary(field.message, frame.value) };
}

export function decodeSession({ kind, payload }: WireFrame): SessionFrame {
  const field = FrameSchema.fields.find(({ number }) => number === kind);
  if (field?.message === undefined) throw malformed('a frame of a call on call 0');
  return { case: field.localName, value: decode(field.message, payload) } as SessionFrame;
}

/** @throws CallFault RESOURCE_EXHAUSTED when the metadata is too large. */
export function encodeOpen(open: Open): Uint8Array {
  return bounded(toBinary(OpenSchema, open));
}

/** @throws CallFault RESOURCE_EXHAUSTED when the metadata is too large. */
export function encodeHeaders(metadata: Metadata[]): Uint8Array {
  return bounded(toBinary(HeadersSchema, create(HeadersSchema, { metadata })));
}

/** Encodes how a call ended. What is too large for a frame loses its details and trailers: the code always arrives. */
export function encodeEnd(status: Status, trailers: Metadata[]): Uint8Array {
  if (status.code === Code.OK && trailers.length === 0) return EMPTY;
  const payload = toBinary(EndSchema, create(EndSchema, { status, trailers }));
  if (payload.length <= MAX_CONTROL_BYTES) return payload;
  const short = statusOf(status.code, status.message.slice(0, MAX_STATUS_MESSAGE));
  return toBinary(EndSchema, create(EndSchema, { status: short }));
}

export function decodeEnd(payload: Uint8Array): { status: Status; trailers: Metadata[] } {
  if (payload.length === 0) return { status: statusOf(Code.OK), trailers: [] };
  const { status, trailers } = decode(EndSchema, payload);
  return { status: status ?? statusOf(Code.OK), trailers };
}

function bounded(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_CONTROL_BYTES) throw new CallFault(Code.RESOURCE_EXHAUSTED, 'the metadata is too large');
  return payload;
}
