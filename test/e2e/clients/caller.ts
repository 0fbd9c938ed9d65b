import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { type CodeName, codeName } from '../support/codes.ts';

/** One way of calling the edge: a language, a library and a protocol. */
export interface Caller {
  /** Names it in test output. */
  readonly name: string;
  /** Rejects with a CallFailure. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** Throws a CallFailure while it is read, unless the server ended the stream with OK. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions & { signal: AbortSignal },
  ): AsyncIterable<MessageShape<O>>;
  /** Hands the user's token to a session that was opened without; for callers whose calls have no token of their own. */
  authenticate?(token: string): Promise<void>;
  close(): Promise<void>;
}

export interface CallOptions {
  /** The access token; none when left out. */
  token?: string | undefined;
  /** Further metadata. */
  headers?: Record<string, string>;
  /** The deadline of a unary call, in milliseconds; a generous one when left out. */
  timeoutMs?: number;
}

/** How a call failed, whatever carried it. */
export class CallFailure extends Error {
  override name = 'CallFailure';
  readonly code: CodeName;
  /** The reason of the ErrorInfo; undefined when there is none. */
  readonly reason: string | undefined;
  /** Of the RetryInfo, in milliseconds; undefined when there is none. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, message: string, details: readonly Any[], cause?: unknown) {
    const reason = details.map((any) => anyUnpack(any, ErrorInfoSchema)?.reason).find(Boolean);
    super(`${codeName(code)}${reason ? ` (${reason})` : ''}: ${message}`, { cause });
    this.code = codeName(code);
    this.reason = reason;
    const delay = details.map((any) => anyUnpack(any, RetryInfoSchema)?.retryDelay).find(Boolean);
    this.retryAfterMs = delay && durationMs(delay);
  }

  /** Whether the call may have been carried out, or may succeed when made again as it is. */
  get worthRepeating(): boolean {
    if (this.code === 'UNAVAILABLE' || this.code === 'DEADLINE_EXCEEDED' || this.code === 'RESOURCE_EXHAUSTED')
      return true;
    // What gRPC and browsers report when a connection broke under a call.
    return /RST_STREAM|network error|fetch failed|terminated|socket hang up/i.test(this.message);
  }
}
