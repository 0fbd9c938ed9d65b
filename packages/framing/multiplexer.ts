import { Budget } from './budget.ts';
import type { Call, CallHost } from './call.ts';
import { atEndOfTurn, type Channel, type Schedule } from './channel.ts';
import { decodeFrames } from './decode.ts';
import { Kind, type SessionFrame, type WireFrame } from './frame.ts';
import { FrameWriter } from './frame-writer.ts';
import { type Accept, IncomingCall } from './incoming-call.ts';
import { defaultLimits, type Limits, MAX_FRAMES_BYTES } from './limits.ts';
import { OutgoingCall, type OutgoingCallListener } from './outgoing-call.ts';
import { decodeSession, encodeSession } from './payload.ts';
import { type CallRequest, decodeRequest, encodeRequest } from './request.ts';
import { malformed, SessionError } from './session-error.ts';
import { CallFault, Code, type Status, statusOf } from './status.ts';

export interface MultiplexerOptions {
  /** The client's calls have odd numbers, the server's even ones. */
  readonly role: 'client' | 'server';
  readonly channel: Channel;
  readonly limits?: Partial<Limits>;
  /** A frame of the session other than ping. */
  readonly session?: (frame: SessionFrame) => void;
  /** The session has ended by the peer's fault: close the channel. Called once; all calls have ended before. */
  readonly failed: (error: SessionError) => void;
  /** The application's own fault: it threw where it must not. Its call has ended with INTERNAL. */
  readonly applicationFailed?: (error: unknown) => void;
  /** When to write what has gathered. Default: at the end of the turn of the event loop. */
  readonly schedule?: Schedule;
}

const MAX_CALL_NUMBER = 2 ** 32 - 1;

/** Carries any number of calls, of either end, over one ordered channel of bytes. `docs/protocol.md` specifies it. */
export class Multiplexer {
  /** Takes the peer's calls. Undefined: the peer may not open any. */
  accept: Accept | undefined;
  readonly #options: MultiplexerOptions;
  readonly #writer: FrameWriter;
  readonly #outgoing = new Map<number, OutgoingCall>();
  readonly #incoming = new Map<number, IncomingCall>();
  readonly #queued: Budget;
  readonly #held: Budget;
  readonly #outgoingHost: CallHost;
  readonly #incomingHost: CallHost;
  #limits: Limits;
  #nextCall: number;
  #lastIncoming = 0;
  #closed = false;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#queued = new Budget(this.#limits.maxQueuedBytes);
    this.#held = new Budget(this.#limits.maxHeldBytes);
    this.#nextCall = options.role === 'client' ? 1 : 2;
    this.#writer = new FrameWriter(options.channel, options.schedule ?? atEndOfTurn, (frame) => {
      this.#find(frame.call)?.left(frame.kind);
    });
    this.#outgoingHost = this.#host(this.#outgoing);
    this.#incomingHost = this.#host(this.#incoming);
  }

  /** The calls of both ends that are not over for the peer, cancelled ones included until it has said so. */
  get openCalls(): number {
    return this.#outgoing.size + this.#incoming.size;
  }

  /** The bytes of messages that wait to be written. */
  get queuedBytes(): number {
    return this.#queued.used;
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Takes over what the peer's welcome says. Before the first call. */
  agree(limits: Partial<Limits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /**
   * Opens a call.
   *
   * @throws CallFault RESOURCE_EXHAUSTED when too many are open or the metadata is too large, UNAVAILABLE when the session
   * takes no more calls.
   */
  call(request: CallRequest, listener: OutgoingCallListener): OutgoingCall {
    if (this.#closed) throw new CallFault(Code.UNAVAILABLE, 'the session has ended');
    if (this.#outgoing.size >= this.#limits.maxCalls) {
      throw new CallFault(Code.RESOURCE_EXHAUSTED, `${this.#limits.maxCalls} calls are open`);
    }
    if (this.#nextCall > MAX_CALL_NUMBER) throw new CallFault(Code.UNAVAILABLE, 'the session has used up its numbers');
    const open = encodeRequest(request);
    const call = new OutgoingCall(this.#nextCall, this.#outgoingHost, open, request.timeoutMs, listener);
    this.#outgoing.set(call.id, call);
    this.#nextCall += 2;
    return call;
  }

  /** Sends a frame of the session. */
  send(frame: SessionFrame): void {
    this.#writer.urgent(encodeSession(frame));
  }

  /** Takes one `Frames` from the peer. Never throws: a fault ends its call, or the session. */
  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      if (bytes.length > MAX_FRAMES_BYTES) throw malformed(`more than ${MAX_FRAMES_BYTES} bytes at once`);
      decodeFrames(bytes, (frame) => this.#frame(frame));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The channel takes more. */
  writable(): void {
    this.#writer.writable();
  }

  /** Writes what has gathered now, as far as the channel takes it. */
  flush(): void {
    this.#writer.flush();
  }

  /** Ends every call at this end; nothing is written any more. For a channel that is gone or about to be closed. */
  close(status: Status = statusOf(Code.UNAVAILABLE, 'the session has ended')): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writer.close();
    const calls: Call[] = [...this.#outgoing.values(), ...this.#incoming.values()];
    this.#outgoing.clear();
    this.#incoming.clear();
    for (const call of calls) call.lost(status);
  }

  #fail(error: unknown): void {
    if (!(error instanceof SessionError)) this.#options.applicationFailed?.(error);
    this.close(statusOf(Code.UNAVAILABLE, 'the session was broken by its peer'));
    this.#options.failed(error instanceof SessionError ? error : malformed('an internal error'));
  }

  #frame(frame: WireFrame): void {
    if (this.#closed) return;
    const ofSession = frame.kind < Kind.open;
    if (ofSession !== (frame.call === 0)) throw malformed('a frame of a call on the session, or the other way round');
    if (ofSession) this.#session(frame);
    else if (frame.kind === Kind.open) this.#open(frame);
    else this.#find(frame.call)?.receive(frame);
  }

  #session(wire: WireFrame): void {
    const frame = decodeSession(wire);
    if (frame.case === 'ping') this.#writer.pong(frame.value.nonce);
    else this.#options.session?.(frame);
  }

  #open({ call: id, payload }: WireFrame): void {
    if (this.accept === undefined) throw malformed('a call where none may be opened');
    if (this.#isOurs(id) || id <= this.#lastIncoming) throw malformed(`call ${id} is out of order`);
    if (this.#incoming.size >= this.#limits.maxCalls) {
      throw new SessionError('too_many_calls', `more than ${this.#limits.maxCalls} calls`);
    }
    this.#lastIncoming = id;
    const call = new IncomingCall(id, this.#incomingHost, decodeRequest(payload));
    this.#incoming.set(id, call);
    call.begin(this.accept);
  }

  #find(id: number): Call | undefined {
    return this.#isOurs(id) ? this.#outgoing.get(id) : this.#incoming.get(id);
  }

  #isOurs(id: number): boolean {
    return id % 2 === (this.#options.role === 'client' ? 1 : 0);
  }

  #host(table: Map<number, Call>): CallHost {
    const limits = (): Limits => this.#limits;
    return {
      get limits() {
        return limits();
      },
      writer: this.#writer,
      queued: this.#queued,
      held: this.#held,
      forget: (call) => void table.delete(call),
      applicationFailed: (error) => this.#options.applicationFailed?.(error),
    };
  }
}
