import { CreditSchema, type Metadata } from '@realchat/gen/realchat/transport/v1/frames';
import { Call, type CallHost } from './call.ts';
import { Kind, type WireFrame } from './frame.ts';
import { decode, encodeEnd, encodeHeaders } from './payload.ts';
import { type CallRequest, checkRequest } from './request.ts';
import { CallFault, Code, type Status, statusOf } from './status.ts';

/** What a callee hears of a call. */
export interface IncomingCallListener {
  /** A message was taken: its credit is on the way back. The bytes are the listener's. */
  message(message: Uint8Array): void;
  /** The caller sends no more, and every message was taken. */
  halfClosed?(): void;
  /** There is room again after `send` returned false. */
  drained?(): void;
  /** The call is over, and nothing comes after it: exactly once, with what the caller was told, if it could be told. */
  closed(status: Status): void;
}

/** Takes a call that the peer opened. A CallFault that it throws is how the call ends. */
export type Accept = (call: IncomingCall) => IncomingCallListener;

/** A call that the peer opened. */
export class IncomingCall extends Call {
  readonly request: CallRequest;
  #listener: IncomingCallListener | undefined;
  #answered = false;
  /** How the call ends; its frame waits for the messages before it. */
  #final: Status | undefined;
  #closed: Status | undefined;
  #told = false;

  constructor(id: number, host: CallHost, request: CallRequest) {
    super(id, host);
    this.request = request;
    this.startTimer(request.timeoutMs);
  }

  /** Checks the request and has the call taken. */
  begin(accept: Accept): void {
    this.guard(() => {
      checkRequest(this.request, this.host.limits);
      this.#listener = accept(this);
      this.#tell();
    });
  }

  /** Sends the initial metadata. Once, and before any message. */
  headers(metadata: Metadata[]): void {
    if (this.#final) return;
    if (this.#answered) throw new TypeError('headers after an answer');
    this.#answered = true;
    this.guard(() => this.queueControl(Kind.headers, encodeHeaders(metadata)));
  }

  /**
   * Sends a message. The bytes must not change any more.
   *
   * @returns false when enough is waiting: better send more after `drained`. A session that cannot hold more ends the call.
   */
  send(message: Uint8Array): boolean {
    if (this.#final) return true;
    this.#answered = true;
    return this.queueMessage(message);
  }

  /** Ends the call once the messages before it have left. What the caller still sends is dropped. */
  end(status: Status, trailers: Metadata[] = []): void {
    if (this.#final) return;
    this.#final = status;
    this.incoming.close();
    this.queueControl(Kind.end, encodeEnd(status, trailers));
  }

  left(kind: Kind): void {
    if (kind !== Kind.end) return;
    this.host.forget(this.id);
    this.#close(this.#final ?? statusOf(Code.UNKNOWN));
  }

  abort(status: Status): void {
    if (this.#closed) return;
    this.#final = status;
    this.close();
    this.queueControl(Kind.end, encodeEnd(status, []));
    this.#closed = status;
    this.#tell();
  }

  lost(status: Status): void {
    this.guard(() => {
      this.#final ??= status;
      this.#close(status);
    });
  }

  protected control(frame: WireFrame): void {
    if (frame.kind === Kind.credit) this.addCredit(decode(CreditSchema, frame.payload).bytes);
    else if (frame.kind === Kind.halfClose) this.incoming.finish();
    else if (frame.kind === Kind.cancel) this.abort(statusOf(Code.CANCELLED, 'cancelled by the caller'));
    else throw new CallFault(Code.INTERNAL, 'the caller sent what only a callee sends');
  }

  protected message(message: Uint8Array): void {
    this.#listener?.message(message);
  }

  protected finished(): void {
    this.#listener?.halfClosed?.();
  }

  protected drained(): void {
    if (!this.#final) this.#listener?.drained?.();
  }

  #close(status: Status): void {
    if (this.#closed) return;
    this.#closed = status;
    this.close();
    this.#tell();
  }

  #tell(): void {
    if (this.#told || !this.#closed || !this.#listener) return;
    this.#told = true;
    this.#listener.closed(this.#closed);
  }
}
