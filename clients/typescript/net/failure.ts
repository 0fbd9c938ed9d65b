import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { sentenceFor } from './sentences.ts';

/** A call that did not succeed, as the page needs to know it. */
export interface Failure {
  readonly code: Code;
  /** The reason of its ErrorInfo; empty when it has none, as when the network failed. */
  readonly reason: string;
  /** For the reader of the page. */
  readonly sentence: string;
  /** The request's fields at fault, by their path in the contract. */
  readonly violations: readonly { readonly field: string; readonly sentence: string }[];
  /** Whether the same call may succeed later. What it did meanwhile is unknown: repeat only what is idempotent. */
  readonly passing: boolean;
  /** How long the server asked to stay away, in milliseconds. */
  readonly retryAfterMs: number;
}

// An answer that says that the request itself is at fault. All others may be about the way, or the moment.
const REFUSALS = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
]);

/** Reads whatever a call threw. */
export function failureOf(thrown: unknown): Failure {
  // A mistake of this page, which must not look like one of the network.
  if (!(thrown instanceof ConnectError)) console.error(thrown);
  const error = ConnectError.from(thrown);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const reason = info?.reason ?? '';
  return {
    code: error.code,
    reason,
    sentence: sentenceFor(error.code, reason),
    violations: (badRequest?.fieldViolations ?? []).map(({ field, description }) => ({
      field,
      sentence: asSentence(description),
    })),
    passing: !REFUSALS.has(error.code),
    retryAfterMs: retry?.retryDelay ? durationMs(retry.retryDelay) : 0,
  };
}

function asSentence(words: string): string {
  const text = words.trim();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
