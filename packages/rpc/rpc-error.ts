import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@realchat/gen/google/rpc/code';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { type Status, StatusSchema } from '@realchat/gen/google/rpc/status';

/** The `domain` of every ErrorInfo of this product. */
export const ERROR_DOMAIN = 'realchat.dev';

/** One field at fault. */
export interface FieldViolation {
  /** Path of the field as in the contract, such as `group.member_ids[2]`. */
  field: string;
  description: string;
}

/** What a caller is told besides code and message. */
export interface ErrorFacts {
  metadata?: Record<string, string>;
  violations?: FieldViolation[];
  /** When to come back, in milliseconds. */
  retryAfterMs?: number;
  /** Kept for the log, never sent. */
  cause?: unknown;
}

/** A refusal that the caller is meant to read: canonical code, a reason for programs, a sentence for people. */
export class RpcError extends Error {
  override name = 'RpcError';
  readonly code: Code;
  readonly reason: string;
  readonly facts: ErrorFacts;

  constructor(code: Code, reason: string, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.reason = reason;
    this.facts = facts;
  }

  /** What a `retry-after` header says; undefined when there is no time to come back. */
  get retryAfterSeconds(): number | undefined {
    const { retryAfterMs } = this.facts;
    return retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
  }

  /** As it travels in `grpc-status-details-bin`. */
  toStatus(): Status {
    const details: Any[] = [
      anyPack(
        ErrorInfoSchema,
        create(ErrorInfoSchema, { reason: this.reason, domain: ERROR_DOMAIN, metadata: this.facts.metadata ?? {} }),
      ),
    ];
    if (this.facts.violations?.length) {
      details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations: this.facts.violations })));
    }
    if (this.facts.retryAfterMs !== undefined) {
      details.push(
        anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(this.facts.retryAfterMs) })),
      );
    }
    return create(StatusSchema, { code: this.code, message: this.message, details });
  }

  toStatusBytes(): Uint8Array {
    return toBinary(StatusSchema, this.toStatus());
  }
}

/** Too much at once; come back later. */
export function exhausted(reason: string, message: string, retryAfterMs: number): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, reason, message, { retryAfterMs });
}

/** Something that the call needs is away; nothing was changed. */
export function unavailable(message: string, cause?: unknown): RpcError {
  return new RpcError(Code.UNAVAILABLE, 'DEPENDENCY_UNAVAILABLE', message, { retryAfterMs: 1_000, cause });
}

/** What a fault of ours looks like from outside: nothing internal, and an id to ask about. */
export function internalError(traceId: string, cause: unknown): RpcError {
  return new RpcError(Code.INTERNAL, 'INTERNAL', `an internal error occurred; report it with id ${traceId}`, { cause });
}
