import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type ResetReason,
  SubscribeResponseSchema,
  type Transient,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { Encoded } from '@realchat/rpc';

/** A frame of a stream, encoded once and written to any number of sessions. */
export class Frame {
  readonly encoded: Encoded;
  /** How many session queues hold it at the moment. */
  holders = 0;
  /** Of an event, its place in the log (`placeOf`); of all else 0. */
  readonly place: number;

  constructor(bytes: Uint8Array, place = 0) {
    this.encoded = new Encoded(bytes);
    this.place = place;
  }

  /** Bytes. */
  get size(): number {
    return this.encoded.bytes.length;
  }
}

const LENGTH_DELIMITED = 2;
const EVENT_TAG = (SubscribeResponseSchema.field.event.number << 3) | LENGTH_DELIMITED;
const TRACEPARENT_TAG = (SubscribeResponseSchema.field.traceparent.number << 3) | LENGTH_DELIMITED;

/** A SubscribeResponse around an event that is encoded already. The bytes are copied, whatever they are a part of. */
export function eventFrame(event: Uint8Array, traceparent: string, place: number): Frame {
  const trace = Buffer.from(traceparent, 'latin1');
  const traceSize = trace.length ? 1 + varintSize(trace.length) + trace.length : 0;
  const bytes = Buffer.allocUnsafe(1 + varintSize(event.length) + event.length + traceSize);
  let at = writeHead(bytes, 0, EVENT_TAG, event.length);
  bytes.set(event, at);
  at += event.length;
  if (trace.length) bytes.set(trace, writeHead(bytes, at, TRACEPARENT_TAG, trace.length));
  return new Frame(bytes, place);
}

export function caughtUpFrame(cursor: Uint8Array): Frame {
  return controlFrame({ case: 'caughtUp', value: { cursor } });
}

export function checkpointFrame(cursor: Uint8Array): Frame {
  return controlFrame({ case: 'checkpoint', value: { cursor } });
}

export function resetFrame(reason: ResetReason): Frame {
  return controlFrame({ case: 'reset', value: { reason } });
}

/** Both in milliseconds: the server's clock, and the silence after which the next one comes. */
export function heartbeatFrame(now: number, interval: number): Frame {
  return controlFrame({ case: 'heartbeat', value: { time: timestampFromMs(now), interval: durationFromMs(interval) } });
}

export function transientFrame(transient: Transient): Frame {
  return controlFrame({ case: 'transient', value: transient });
}

function controlFrame(frame: MessageInitShape<typeof SubscribeResponseSchema>['frame']): Frame {
  return new Frame(toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { frame })));
}

/** Writes a tag of one byte and a length; returns where the content starts. */
function writeHead(bytes: Uint8Array, at: number, tag: number, length: number): number {
  bytes[at++] = tag;
  while (length > 0x7f) {
    bytes[at++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  bytes[at++] = length;
  return at;
}

function varintSize(value: number): number {
  let size = 1;
  while (value > 0x7f) {
    value >>>= 7;
    size++;
  }
  return size;
}
