import { CreditSchema, HeadersSchema, type Metadata } from '@realchat/gen/realchat/transport/v1/frames';
import { Call, type CallHost } from './call.ts';
import { EMPTY, Kind, type WireFrame } from './frame.ts';
import { decode, decodeEnd } from './payload.ts';
import { CallFault, Code, type Status, statusOf } from './status.ts';

/** What a caller hears of its call. */
export interface OutgoingCallListener {
  /** The callee's initial metadata, at most once and before any message. */
  headers?(metadata: Metadata[]): void;
  /** A message was taken: its credit is on the way back. The bytes are the listener's. */
  message(message: Uint8Array): void;
  /** The call is over: exactly once, and nothing comes after it. */
  end(status: Status, trailers: Metadata[]): void;
  /** There is room again after `send` returned false. */
  drained?(): void;
}

/** A call that this end opened. */
export class OutgoingCall extends Call {
  readonly #listener: OutgoingCallListener;
  #opened = false;
  #halfClosed = false;
  #answered = false;
  /** The callee's end, which waits until the messages before it have been taken. */
  #ended: { status: Status; trailers: Metadata[] } | undefined;
  #over = false;

  constructor(
    id: number,
    host: CallHost,
    open: Uint8Array,
    timeoutMs: number | undefined,
    listener: OutgoingCallListener,
  ) {
    super(id, host);
    this.#listener = listener;
    this.queueControl(Kind.open, open);
    this.startTimer(timeoutMs);
  }

  /**
   * Sends a message. The bytes must not change any more.
   *
   * @returns false when enough is waiting: better send more after `drained`. A session that cannot hold more ends the call.
   */
  send(message: Uint8Array): boolean {
    if (this.#over || this.#ended) return true;
    if (this.#halfClosed) throw new TypeError('send after halfClose');
    return this.queueMessage(message);
  }

  /** No more messages are sent. */
  halfClose(): void {
    if (this.#over || this.#ended || this.#halfClosed) return;
    this.#halfClosed = true;
    this.queueControl(Kind.halfClose);
  }

  /** Ends the call from this end. The listener's `end` is called within this call. */
  cancel(status: Status = statusOf(Code.CANCELLED, 'cancelled')): void {
    this.guard(() => this.abort(status));
  }

  left(kind: Kind): void {
    if (kind === Kind.open) this.#opened = true;
  }

  abort(status: Status): void {
    if (this.#over) return;
    // Until the callee's end comes, the call counts; a cancelled one has its number until then.
    if (this.#ended === undefined) {
      if (this.#opened) this.host.writer.urgent({ call: this.id, kind: Kind.cancel, payload: EMPTY });
      else this.host.forget(this.id);
    }
    this.#finish(status, []);
  }

  lost(status: Status): void {
    this.guard(() => this.#finish(status, []));
  }

  protected control(frame: WireFrame): void {
    if (frame.kind === Kind.credit) this.addCredit(decode(CreditSchema, frame.payload).bytes);
    else if (frame.kind === Kind.headers) this.#headers(frame.payload);
    else if (frame.kind === Kind.end) this.#end(frame.payload);
    else if (!this.#over) throw new CallFault(Code.INTERNAL, 'the callee sent what only a caller sends');
  }

  protected message(message: Uint8Array): void {
    this.#answered = true;
    this.#listener.message(message);
  }

  protected finished(): void {
    if (this.#ended) this.#finish(this.#ended.status, this.#ended.trailers);
  }

  protected drained(): void {
    this.#listener.drained?.();
  }

  #headers(payload: Uint8Array): void {
    const { metadata } = decode(HeadersSchema, payload);
    if (this.#over) return;
    if (this.#answered) throw new CallFault(Code.INTERNAL, 'the callee sent its headers too late');
    this.#answered = true;
    this.#listener.headers?.(metadata);
  }

  #end(payload: Uint8Array): void {
    const ended = decodeEnd(payload);
    this.host.forget(this.id);
    if (this.#over) return;
    this.#ended = ended;
    this.outgoing.clear();
    if (ended.status.code !== Code.OK) this.incoming.dropIncomplete();
    this.incoming.finish();
  }

  #finish(status: Status, trailers: Metadata[]): void {
    if (this.#over) return;
    this.#over = true;
    this.close();
    this.#listener.end(status, trailers);
  }
}
