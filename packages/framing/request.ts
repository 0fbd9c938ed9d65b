import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { type Metadata, OpenSchema } from '@realchat/gen/realchat/transport/v1/frames';
import type { Limits } from './limits.ts';
import { checkMetadata } from './metadata.ts';
import { decode, encodeOpen } from './payload.ts';
import { CallFault, Code } from './status.ts';

/** What opens a call. */
export interface CallRequest {
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly metadata: Metadata[];
  /** How long the caller waits for the call's end, in milliseconds. Undefined: as long as the callee allows. */
  readonly timeoutMs: number | undefined;
}

const METHOD = /^\/[A-Za-z0-9_.]{1,200}\/[A-Za-z0-9_]{1,100}$/;

/** @throws CallFault RESOURCE_EXHAUSTED when the metadata is too large. */
export function encodeRequest({ method, metadata, timeoutMs }: CallRequest): Uint8Array {
  const timeout = timeoutMs === undefined ? undefined : durationFromMs(Math.ceil(timeoutMs));
  return encodeOpen(create(OpenSchema, { method, metadata, timeout }));
}

/** @throws SessionError when it cannot be decoded. */
export function decodeRequest(payload: Uint8Array): CallRequest {
  const { method, metadata, timeout } = decode(OpenSchema, payload);
  return { method, metadata, timeoutMs: timeout === undefined ? undefined : durationMs(timeout) };
}

/** @throws CallFault when the call cannot even begin. */
export function checkRequest({ method, metadata, timeoutMs }: CallRequest, limits: Limits): void {
  if (!METHOD.test(method)) throw new CallFault(Code.INVALID_ARGUMENT, 'a malformed method name');
  checkMetadata(metadata, limits.maxMetadataBytes);
  if (timeoutMs !== undefined && timeoutMs <= 0) throw new CallFault(Code.DEADLINE_EXCEEDED, 'the deadline has passed');
}
