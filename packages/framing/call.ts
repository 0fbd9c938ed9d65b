import type { Budget } from './budget.ts';
import { Kind, type WireFrame } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { Limits } from './limits.ts';
import { ReceiveSide } from './receive-side.ts';
import { SendSide } from './send-side.ts';
import { SessionError } from './session-error.ts';
import { CallFault, Code, type Status, statusOf } from './status.ts';

/** What the calls of a session share. */
export interface CallHost {
  readonly limits: Limits;
  readonly writer: FrameWriter;
  /** What waits to be written, over all calls. */
  readonly queued: Budget;
  /** What was received and not taken, over all calls. */
  readonly held: Budget;
  /** The call is over and its number free. */
  forget(call: number): void;
  /** The application threw where it must not; its call has ended with INTERNAL. */
  applicationFailed(error: unknown): void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/** What both ends of a call have in common. */
export abstract class Call {
  readonly id: number;
  protected readonly host: CallHost;
  protected readonly outgoing: SendSide;
  protected readonly incoming: ReceiveSide;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: number, host: CallHost) {
    this.id = id;
    this.host = host;
    this.outgoing = new SendSide(id, host.limits, host.queued);
    this.outgoing.drained = () => this.guard(() => this.drained());
    this.incoming = new ReceiveSide(
      {
        message: (message) => this.message(message),
        finished: () => this.finished(),
        creditDue: () => host.writer.credit(id, this.incoming),
      },
      host.limits,
      host.held,
    );
  }

  /** Takes no more messages for now: they are held here, and the peer stops when its credit is used up. */
  pause(): void {
    this.incoming.pause();
  }

  /** Takes messages again. Those that were held are handed over within this call. */
  resume(): void {
    this.guard(() => this.incoming.resume());
  }

  /** Handles a frame of this call from the peer. */
  receive(frame: WireFrame): void {
    this.guard(() => {
      if (frame.kind === Kind.message) this.incoming.receive(frame.payload, true);
      else if (frame.kind === Kind.part) this.incoming.receive(frame.payload, false);
      else this.control(frame);
    });
  }

  /** A frame of this call has left its queue. */
  abstract left(kind: Kind): void;

  /** Ends the call at once: what waits in either direction is dropped. */
  abstract abort(status: Status): void;

  /** The session has ended. */
  abstract lost(status: Status): void;

  protected abstract control(frame: WireFrame): void;
  protected abstract message(message: Uint8Array): void;
  protected abstract finished(): void;
  protected abstract drained(): void;

  protected queueMessage(message: Uint8Array): boolean {
    if (message.length > this.host.limits.maxMessageBytes) {
      this.abort(statusOf(Code.RESOURCE_EXHAUSTED, `a message of more than ${this.host.limits.maxMessageBytes} bytes`));
      return true;
    }
    if (!this.outgoing.pushMessage(message)) {
      this.abort(statusOf(Code.RESOURCE_EXHAUSTED, 'the session has too much waiting to be written'));
      return true;
    }
    this.host.writer.ready(this.outgoing);
    return !this.outgoing.full;
  }

  protected queueControl(kind: Kind, payload?: Uint8Array): void {
    this.outgoing.pushControl(kind, payload);
    this.host.writer.ready(this.outgoing);
  }

  protected addCredit(bytes: number): void {
    this.outgoing.addCredit(bytes);
    this.host.writer.ready(this.outgoing);
  }

  protected startTimer(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined || timeoutMs > MAX_TIMER_MS) return;
    this.#timer = setTimeout(() => {
      this.guard(() => this.abort(statusOf(Code.DEADLINE_EXCEEDED, 'the deadline has passed')));
    }, timeoutMs);
  }

  protected close(): void {
    clearTimeout(this.#timer);
    this.outgoing.clear();
    this.incoming.close();
  }

  /** Runs what calls the application: a fault ends the call, and the session goes on. */
  protected guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof SessionError) throw error;
      if (!(error instanceof CallFault)) this.host.applicationFailed(error);
      const status = error instanceof CallFault ? error.status : statusOf(Code.INTERNAL, 'internal error');
      try {
        this.abort(status);
      } catch (again) {
        this.host.applicationFailed(again);
      }
    }
  }
}
