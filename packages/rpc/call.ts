import type * as grpc from '@grpc/grpc-js';
import { continueTrace, type Logger, type TraceContext } from '@realchat/telemetry';

/** Who calls, by a verified access token. */
export interface Caller {
  userId: string;
  sessionId: string;
  deviceId: string;
  /** When the token ends, in milliseconds since the epoch. */
  expiresAt: number;
}

/** What a handler knows of a call besides the request. No transport shows through it. */
export interface Call {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** Who calls; throws when the method is open, which has no caller. */
  readonly caller: Caller;
  readonly trace: TraceContext;
  /** Writes lines with this call's trace id. */
  readonly log: Logger;
  /** Aborted when the caller has gone, cancelled, or its deadline has passed. */
  readonly signal: AbortSignal;
  /** The address that the edge saw; the peer's own when there is no edge between. */
  readonly clientAddress: string;
}

type ServerCall = grpc.ServerUnaryCall<unknown, unknown> | grpc.ServerWritableStream<unknown, unknown>;

/** A call that came in by grpc-js. What costs is made when it is first asked for. */
export class GrpcCall implements Call {
  readonly method: string;
  readonly trace: TraceContext;
  readonly #call: ServerCall;
  readonly #log: Logger;
  readonly #caller: Caller | undefined;
  #childLog: Logger | undefined;
  #signal: AbortSignal | undefined;

  constructor(method: string, call: ServerCall, log: Logger, caller: Caller | undefined) {
    this.method = method;
    this.trace = continueTrace(text(call.metadata.get('traceparent')[0]));
    this.#call = call;
    this.#log = log;
    this.#caller = caller;
  }

  get caller(): Caller {
    if (!this.#caller) throw new Error(`${this.method} is open and has no caller`);
    return this.#caller;
  }

  get log(): Logger {
    this.#childLog ??= this.#log.child({ trace_id: this.trace.traceId, method: this.method });
    return this.#childLog;
  }

  get signal(): AbortSignal {
    if (!this.#signal) {
      const controller = new AbortController();
      if (this.#call.cancelled) controller.abort();
      else this.#call.once('cancelled', () => controller.abort());
      this.#signal = controller.signal;
    }
    return this.#signal;
  }

  get clientAddress(): string {
    // The edge appends the peer that it saw, so the last entry is the only one that nobody outside could write.
    const forwarded = text(this.#call.metadata.get('x-forwarded-for').at(-1));
    return forwarded?.split(',').at(-1)?.trim() ?? this.#call.getPeer().replace(/:\d+$/, '');
  }
}

function text(value: string | Buffer | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
